// Decisions of commits over several groups, kept in the group of their home. Whoever asks second gets the first one.
//
//   committed:  1, revision, count * the rows that are locked in other groups until the decision is carried out there
//   aborted:    0
//
// While home is locked and there is no decision, the transaction is undecided. Without either it can only be one that has
// not come this far: then it may be aborted, or one whose decision was carried out everywhere.
//
// The fence: an abort may be forgotten while its transaction's prepare is still on its way here. Then the revision steps,
// the fence is raised to it, and a prepare that was sent before is refused.

import { assert } from "../../std/assert.ts";
import { EMPTY } from "../../std/bytes.ts";
import { ByteReader } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";
import type { StoredRow } from "../row-codec.ts";
import type { PendingRows } from "./pending.ts";
import type { TransactionName } from "./prepared-commands.ts";
import { decisionKey, FENCE_KEY } from "./prepared-keys.ts";
import type { Decision } from "./result.ts";

/** Decisions that a group keeps; a commit that would need one more is refused. */
export const DECISIONS_MAX = 65_536;

export interface DecisionRecord {
  readonly decision: Decision;
  /** Rows in other groups that were locked when it was made. */
  readonly others: readonly Uint8Array[];
}

const ABORTED = 0;
const COMMITTED = 1;

export function decodeDecision({ value }: StoredRow): DecisionRecord {
  const reader = new ByteReader(value);
  const kind = reader.u8();
  assert(kind === ABORTED || kind === COMMITTED, "a decision is for a commit or an abort");
  if (kind === ABORTED) return { decision: { committed: false }, others: [] };
  const revision = reader.varint();
  const others: Uint8Array[] = [];
  while (reader.remaining > 0) others.push(reader.blob());
  return { decision: { committed: true, revision }, others };
}

/** The decisions of a group, as the batch that is being applied leaves them so far. */
export class Decisions {
  readonly #pending: PendingRows;
  #count: number;

  constructor(pending: PendingRows, count: number) {
    this.#pending = pending;
    this.#count = count;
  }

  get count(): number {
    return this.#count;
  }

  of({ home, transaction }: TransactionName): Decision | undefined {
    if (this.#count === 0) return undefined;
    const row = this.#pending.get(decisionKey(home, transaction));
    return row && decodeDecision(row).decision;
  }

  commit({ home, transaction }: TransactionName, revision: number, others: readonly Uint8Array[]): Decision {
    const writer = new ByteWriter(256).u8(COMMITTED).varint(revision);
    for (const row of others) writer.blob(row);
    return this.#add(decisionKey(home, transaction), revision, writer.finish(), { committed: true, revision });
  }

  abort({ home, transaction }: TransactionName, revision: number): Decision {
    return this.#add(decisionKey(home, transaction), revision, Uint8Array.of(ABORTED), { committed: false });
  }

  forget({ home, transaction }: TransactionName): void {
    this.#pending.delete(decisionKey(home, transaction));
    this.#count--;
  }

  /** One has come or gone with home's key. */
  moved(change: 1 | -1): void {
    this.#count += change;
  }

  /** What is sent with an older revision comes too late. */
  get fence(): number {
    return this.#pending.get(FENCE_KEY)?.revision ?? 0;
  }

  raiseFence(revision: number): void {
    this.#pending.put(FENCE_KEY, { revision, lease: 0, value: EMPTY });
  }

  #add(key: Uint8Array, revision: number, value: Uint8Array, decision: Decision): Decision {
    this.#pending.put(key, { revision, lease: 0, value });
    this.#count++;
    return decision;
  }
}
