// Where a Store's present state comes from when it opens. The sources are tried in turn: the index as it is, the
// checkpoints from the newest on, an empty index. Each counts only if the log can go on from it, and if that leads at
// least as far as every checkpoint says the state once was: a log that ends before is not the whole log, and is never
// taken for it. Where the log begins behind them all, the group was sent a snapshot: its file is what it goes on from
// then, over whichever source.
//
// Nothing is thrown away for a hope. The index goes when a checkpoint has been read through and the log has said that
// it goes on from there; a damaged checkpoint goes when the Store is open without it.

import type { Env, Index } from "../../env/index.ts";
import type { StateMachine } from "../../host/index.ts";
import { hasCode } from "../../std/errors.ts";
import type { ByteSource } from "../../std/source.ts";
import {
  type CheckpointFile,
  checkpointName,
  checkpointSource,
  keepCheckpoint,
  listCheckpoints,
  readCheckpoint,
  restoreCheckpoint,
} from "../checkpoint.ts";
import { storeFailure } from "../errors.ts";
import type { TransactionBugs } from "../machine/prepared-bugs.ts";
import { type CommandResult, type MachineObserver, StoreMachine } from "../machine.ts";
import type { StoreCounters } from "./counters.ts";
import type { StoreGroup } from "./group.ts";
import type { ReplicatedOptions } from "./options.ts";
import type { RebuildMark } from "./rebuild-mark.ts";

/** Entries up to `committedAtLeast` were applied once: a checkpoint says so. */
export type OpenGroup = (machine: StateMachine<CommandResult>, committedAtLeast: number) => Promise<StoreGroup>;

export interface RecoverySettings {
  readonly env: Pick<Env, "disk" | "indexes" | "timers">;
  readonly options: ReplicatedOptions;
  readonly openGroup: OpenGroup;
  readonly mark: RebuildMark;
  readonly counters: StoreCounters;
  readonly bugs: TransactionBugs;
  /** Called before a source's machine is fed. */
  readonly observe: (machine: StoreMachine) => MachineObserver;
}

export interface Recovered {
  readonly index: Index;
  readonly machine: StoreMachine;
  readonly group: StoreGroup;
}

interface Source {
  readonly rebuilds: boolean;
  readonly checkpoint?: CheckpointFile;
  /** The index with the source's rows, or undefined where the source has none. */
  readonly load: () => Promise<Index | undefined>;
}

/** Rejects with CHECKPOINT_DAMAGED where no source is enough, with FORMAT_NEWER, or as `openGroup`. */
export async function recover(settings: RecoverySettings): Promise<Recovered> {
  const { env, options, counters, mark } = settings;
  const checkpoints = await listCheckpoints(env.disk, options.folder);
  const reach = checkpoints[0]?.appliedIndex ?? 0;
  const damaged: CheckpointFile[] = [];
  let cause: unknown;
  for (const source of sources(settings, checkpoints)) {
    try {
      const index = await source.load();
      const recovered = index && (await openOver(index, settings, reach));
      if (recovered === undefined) continue;
      if (recovered.machine.appliedIndex >= reach) {
        await removeAll(env.disk, damaged);
        await mark.clear();
        if (source.rebuilds && recovered.machine.state.commandBytes > 0) counters.indexRebuilds++;
        return recovered;
      }
      cause = await refuseBehind(recovered, reach);
    } catch (error) {
      if (!isReasonForNext(error)) throw error;
      if (source.checkpoint && hasCode(error, "CHECKPOINT_DAMAGED")) damaged.push(source.checkpoint);
      counters.checkpointsDamaged = damaged.length;
      cause = error;
    }
  }
  throw storeFailure("CHECKPOINT_DAMAGED", { data: { checkpoints: checkpoints.map(({ name }) => name) }, cause });
}

function* sources(settings: RecoverySettings, checkpoints: readonly CheckpointFile[]): Generator<Source, void, void> {
  yield { rebuilds: false, load: () => keptIndex(settings) };
  for (const checkpoint of checkpoints)
    yield { rebuilds: true, checkpoint, load: () => restoredIndex(settings, checkpoint) };
  yield { rebuilds: true, load: () => emptyIndex(settings, 0) };
}

async function keptIndex({ env, options, mark }: RecoverySettings): Promise<Index | undefined> {
  if (await mark.isSet()) throw storeFailure("ROW_DAMAGED");
  const index = await env.indexes.open(options.index);
  try {
    if (index.scan({ limit: 1 }).length > 0) return index;
  } catch (error) {
    await discard(index);
    throw error;
  }
  await index.close();
  return undefined;
}

async function restoredIndex(settings: RecoverySettings, { name }: CheckpointFile): Promise<Index> {
  const { disk } = settings.env;
  const { appliedIndex } = await readCheckpoint(disk, name, () => {});
  const index = await emptyIndex(settings, appliedIndex);
  try {
    await restoreCheckpoint(disk, name, index);
    return index;
  } catch (error) {
    await discard(index);
    throw error;
  }
}

/** For rows up to an entry of the log, which must go on from there. */
async function emptyIndex({ env, options, openGroup }: RecoverySettings, appliedIndex: number): Promise<Index> {
  await proveLogFrom(appliedIndex, openGroup);
  await env.indexes.remove(options.index);
  return env.indexes.open(options.index);
}

/** Rejects as `openGroup` where the log does not go on from an entry. Nothing is applied. */
async function proveLogFrom(appliedIndex: number, openGroup: OpenGroup): Promise<void> {
  const goesOn = storeFailure("STOPPED", { what: "The log goes on: its next entry was offered." });
  const offered = (): never => {
    throw goesOn;
  };
  const probe = { appliedIndex, isDurable: true, apply: offered, capture: offered, restore: async () => offered() };
  try {
    const group = await openGroup(probe, 0);
    await group[Symbol.asyncDispose]();
  } catch (error) {
    if (error !== goesOn) throw error;
  }
}

async function openOver(index: Index, settings: RecoverySettings, reach: number): Promise<Recovered> {
  const { env, options, openGroup, observe } = settings;
  try {
    let observer: MachineObserver = {};
    const machine = new StoreMachine({
      index,
      group: options.group,
      beginsEmpty: options.beginsEmpty,
      observer: {
        applied: (events, leases, released) => observer.applied?.(events, leases, released),
        restored: () => observer.restored?.(),
      },
      keep: (source, appliedIndex) => keepSnapshot(settings, source, appliedIndex),
      endTurn: () => new Promise((resolve) => env.timers.endOfTurn(resolve)),
      bugs: settings.bugs,
    });
    observer = observe(machine);
    const group = await openGroup(machine, reach);
    await using opened = new AsyncDisposableStack();
    opened.use(group);
    proveLeases(machine);
    opened.move();
    return { index, machine, group };
  } catch (error) {
    await discard(index);
    throw error;
  }
}

/** A snapshot of the group is a checkpoint of this node, from which it starts if the index does not take it in. */
async function keepSnapshot(
  { env, options }: RecoverySettings,
  source: ByteSource,
  appliedIndex: number,
): Promise<ByteSource> {
  const { disk } = env;
  const name = checkpointName(options.folder, appliedIndex);
  await keepCheckpoint(disk, name, source);
  return checkpointSource(disk, name);
}

/** Throws ROW_DAMAGED. Whoever leads reads all leases: it must not meet damage there, start after start. */
function proveLeases(machine: StoreMachine): void {
  const leases = machine.leases();
  while (!leases.next().done);
}

async function refuseBehind({ index, machine, group }: Recovered, reach: number): Promise<Error> {
  await group[Symbol.asyncDispose]();
  await discard(index);
  return storeFailure("CHECKPOINT_DAMAGED", {
    what: "The log ends before the state that a checkpoint was made of: a part of it is missing.",
    data: { applied: machine.appliedIndex, checkpoint: reach },
  });
}

/** What its close might say no longer matters. */
async function discard(index: Index): Promise<void> {
  await index.close().catch(() => {});
}

async function removeAll(disk: Env["disk"], files: readonly CheckpointFile[]): Promise<void> {
  for (const { name } of files) await disk.remove(name);
}

function isReasonForNext(error: unknown): boolean {
  return REASONS.some((code) => hasCode(error, code));
}

const REASONS = ["INDEX_DAMAGED", "ROW_DAMAGED", "COMPACTED", "CHECKPOINT_DAMAGED"];
