// Makes one copy of the Store of what its groups had while all of them stood still: the root group's rows, into which
// those of the other groups are brought as transfers would bring them. So the copy is that of a Store which was never cut,
// with the locks, decisions, results and leases that were under way.

import type { Env } from "../../env/index.ts";
import { assert } from "../../std/assert.ts";
import { equalBytes } from "../../std/bytes.ts";
import { restoreCheckpoint, type WrittenCheckpoint, writeCheckpoint } from "../checkpoint.ts";
import { type Command, encodeCommand } from "../command.ts";
import { prepareCommit } from "../commit-rules.ts";
import { storeFailure } from "../errors.ts";
import { decodeAddress, encodeAddress, encodeRange, successor } from "../key-codec.ts";
import { groupOfLentKey, lentKeys } from "../machine/keys.ts";
import { LENT_GROUPS_MAX } from "../machine/lent-leases.ts";
import { type KeyInterval, servesAllKeys } from "../machine/range-state.ts";
import type { Transferred } from "../machine/result.ts";
import { type CommandResult, StoreMachine } from "../machine.ts";
import { STORE_LIMITS } from "../store.ts";
import { ROOT_GROUP, TABLES } from "../tables.ts";
import { decodeTransferRow, HOLD, ID_COUNTER, transferAddress } from "./range-rows.ts";
import type { RowSpool } from "./row-spool.ts";
import { untilDone } from "./transfer.ts";

/** One range as it was held. */
export interface HeldRange extends KeyInterval {
  readonly transfer: number;
  readonly group: number;
  /** Of its group, frozen. */
  readonly revision: number;
  /** Of its rows, in the spool; none are of the root group's ranges. */
  readonly pieces: number;
}

export interface JoinedCopy {
  readonly env: Pick<Env, "disk" | "indexes" | "timers">;
  /** Of the finished file. An index of the same name with ".index" behind it is there meanwhile. */
  readonly name: string;
  /** Name of the root group's rows, as it wrote them while all was held. */
  readonly rootRows: string;
  /** The row under which all is held, and the attempt of whoever holds it. */
  readonly hold: { readonly id: number; readonly attempt: number };
  readonly ranges: readonly HeldRange[];
  readonly spool: RowSpool;
  readonly signal?: AbortSignal;
}

/** Rejects with TRANSFER_SUPERSEDED where somebody may have let go of the ranges before the root group's rows were copied. */
export async function writeJoinedCopy(copy: JoinedCopy): Promise<WrittenCheckpoint> {
  const { env, name, rootRows, signal } = copy;
  const { disk, indexes } = env;
  const indexName = `${name}.index`;
  await indexes.remove(indexName);
  const index = await indexes.open(indexName);
  await using opened = new AsyncDisposableStack();
  opened.defer(async () => {
    await index.close();
    await indexes.remove(indexName);
  });
  await restoreCheckpoint(disk, rootRows, index);
  const machine = new StoreMachine({ index, group: ROOT_GROUP });
  checkHeld(machine, copy);
  const apply = async (command: Uint8Array): Promise<CommandResult> => {
    signal?.throwIfAborted();
    await new Promise<void>((resolve) => env.timers.endOfTurn(resolve));
    const { appliedIndex, term } = machine.state;
    return machine.apply([{ index: appliedIndex + 1, term, commands: [command] }])[0]![0]!;
  };
  await joinRanges(copy, apply);
  assert(machine.ranges !== undefined && servesAllKeys(machine.ranges), "what is joined has all keys");
  await forgetGroups(machine, apply);
  const snapshot = machine.snapshot();
  opened.defer(() => snapshot.close());
  return await writeCheckpoint({ disk, name, snapshot, header: machine.state, ...(signal && { signal }) });
}

type Apply = (command: Uint8Array) => Promise<CommandResult>;

/** Whoever lets go in place of another counts an attempt first. */
function checkHeld(machine: StoreMachine, { hold }: JoinedCopy): void {
  const { key, ...table } = transferAddress(hold.id);
  const row = machine.row(encodeAddress({ ...table, key }));
  if (row !== undefined && decodeTransferRow(key, row.value).attempt === hold.attempt) return;
  throw storeFailure("TRANSFER_SUPERSEDED");
}

async function joinRanges({ hold: { attempt }, ranges, spool }: JoinedCopy, apply: Apply): Promise<void> {
  const step = async (command: Extract<Command, { kind: "range" }>["step"]): Promise<Transferred> => {
    return transferred(await apply(encodeCommand({ kind: "range", step: command })));
  };
  const moved = ranges.filter(({ group }) => group !== ROOT_GROUP);
  for (const { transfer, group } of ranges) {
    if (group !== ROOT_GROUP) continue;
    await untilDone(() => step({ kind: "export-end", transfer, attempt, isMoved: false }));
  }
  for (const { transfer, group, from, to } of moved) {
    await step({ kind: "import-begin", transfer, attempt, from, to, source: group });
  }
  for await (const command of spool.commands()) transferred(await apply(command));
  for (const { transfer, pieces, revision } of moved) {
    await step({ kind: "import-finish", transfer, attempt, pieces, revision });
    await step({ kind: "import-end", transfer, attempt, isFinished: true });
  }
}

function transferred(result: CommandResult): Transferred {
  assert(result.kind === "transferred", "what was held is joined step by step");
  return result;
}

/** There are no other groups; the counter of their ids stays, for none is given out twice. */
async function forgetGroups(machine: StoreMachine, apply: Apply): Promise<void> {
  const counter = encodeAddress(ID_COUNTER);
  for (const table of [TABLES.range, TABLES.group, TABLES.transfer, HOLD.table]) {
    const bounds = encodeRange(table, {});
    let { from } = bounds;
    for (;;) {
      const rows = machine.scan({ from, to: bounds.to, limit: STORE_LIMITS.writesMax });
      const deletes = rows.flatMap(({ key }) => (equalBytes(key, counter) ? [] : [decodeAddress(key)]));
      if (deletes.length > 0) await apply(encodeCommand({ kind: "commit", ...prepareCommit({ deletes }) }));
      if (rows.length < STORE_LIMITS.writesMax) break;
      from = successor(rows.at(-1)!.key);
    }
  }
  for (const { lease } of machine.leases()) {
    for (;;) {
      const groups = machine.scan({ ...lentKeys(lease), limit: LENT_GROUPS_MAX }).map(({ key }) => groupOfLentKey(key));
      if (groups.length === 0) break;
      await apply(encodeCommand({ kind: "give-back", lease, groups }));
    }
  }
}
