// The Store of a cluster whose keys may be cut into ranges, on any of its nodes. What is of one range goes to its group;
// what is of several is read from each, and committed over all of them. While the root group has all keys, every call
// goes straight to it.

import type { Env } from "../../env/index.ts";
import { EMPTY } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { type PreparedCommit, prepareCommit } from "../commit-rules.ts";
import { storeFailure } from "../errors.ts";
import { decodeKeyBound, encodeAddress, encodeKeyBound, encodeRange } from "../key-codec.ts";
import type { TransactionBugs } from "../machine/prepared-bugs.ts";
import { checkBytesRead, checkRowsAsked, checkScanLimit } from "../read-rules.ts";
import { decodePosition, encodePosition } from "../replicated/position.ts";
import type { ReplicatedStore } from "../replicated/replicated-store.ts";
import type {
  Commit,
  CommitResult,
  Found,
  Lease,
  LeaseId,
  Position,
  ReadLevel,
  ReadOptions,
  Row,
  RowAddress,
  ScanOptions,
  ScanPage,
  ScanRange,
  Store,
  Table,
  WatchEvent,
  WatchOptions,
} from "../store.ts";
import { ROOT_GROUP } from "../tables.ts";
import { type AcrossResult, Coordinator } from "../transactions/coordinator.ts";
import type { TransactionOptions } from "../transactions/options.ts";
import type { GroupRouter } from "./group-router.ts";
import type { GroupStore } from "./group-store.ts";
import { isElsewhere, Patience } from "./patience.ts";
import { type ScanStep, scanRanges } from "./ranged-scan.ts";
import { RangedWatch } from "./ranged-watch.ts";
import { decodeSeen, encodeSeen } from "./seen-position.ts";

export interface RangedOptions {
  /** How long a call looks for the group that has its keys, while those are on their way. */
  readonly movingMillisMax: number;
  readonly transactions: Partial<TransactionOptions>;
}

export const RANGED_DEFAULTS: RangedOptions = { movingMillisMax: 10_000, transactions: {} };

export interface RangedStoreSettings {
  readonly env: Pick<Env, "clock" | "timers" | "random">;
  /** This node is a member of the root group. It is its opener's to close, behind this Store. */
  readonly root: ReplicatedStore;
  /** That has begun. */
  readonly router: GroupRouter;
  readonly options?: Partial<RangedOptions>;
  readonly bugs?: TransactionBugs;
}

/** Tries of a commit whose keys went to groups that did not know its lease, one after the other. */
const ADOPTIONS_MAX = 4;

type Signal = { readonly signal?: AbortSignal };

export class RangedStore implements Store {
  readonly #root: ReplicatedStore;
  readonly #router: GroupRouter;
  readonly #settings: RangedStoreSettings;
  readonly #options: RangedOptions;
  readonly #patience: Patience;
  readonly #coordinator: Coordinator;
  readonly #watches = new Set<RangedWatch>();
  #isClosed = false;

  constructor(settings: RangedStoreSettings) {
    const { env, root, router, bugs } = settings;
    this.#settings = settings;
    this.#options = { ...RANGED_DEFAULTS, ...settings.options };
    this.#root = root;
    this.#router = router;
    const { clock, timers } = env;
    const { movingMillisMax: millisMax, transactions } = this.#options;
    const [correct, isClosed] = [() => router.correct(), () => this.#isClosed];
    this.#patience = new Patience({ clock, timers, correct, isClosed, millisMax });
    this.#coordinator = new Coordinator({
      ...{ ...env, participants: router, options: transactions },
      ...(bugs && { bugs }),
    });
  }

  get(address: RowAddress, options: ReadOptions = {}): Promise<Found> {
    const again = (): Promise<Found> => this.#get(address, options);
    return this.#goesStraight(options) ? this.#straight(this.#root.get(address, options), again) : again();
  }

  getMany(addresses: readonly RowAddress[], options: ReadOptions = {}): Promise<readonly (Row | undefined)[]> {
    const again = (): Promise<readonly (Row | undefined)[]> => this.#getMany(addresses, options);
    return this.#goesStraight(options) ? this.#straight(this.#root.getMany(addresses, options), again) : again();
  }

  scan(table: Table, range: ScanRange, options: ScanOptions): Promise<ScanPage> {
    const again = (): Promise<ScanPage> => this.#scan(table, range, options);
    return this.#goesStraight(options) ? this.#straight(this.#root.scan(table, range, options), again) : again();
  }

  commit(commit: Commit, options: Signal = {}): Promise<CommitResult> {
    const again = (): Promise<CommitResult> => this.#commit(commit, options);
    return this.#goesStraight({}) ? this.#straight(this.#root.commit(commit, options), again) : again();
  }

  rangeStart(key: Uint8Array): Uint8Array {
    const { map } = this.#router;
    return map.isWhole ? EMPTY : decodeKeyBound(map.among({ from: encodeKeyBound(key), to: EMPTY })[0]!.from);
  }

  watch(table: Table, range: ScanRange, options: WatchOptions = {}): AsyncIterable<WatchEvent> {
    const { clock } = this.#settings.env;
    const watch = new RangedWatch({
      ...{ table, range, options, clock, router: this.#router, patience: this.#patience },
      lostMillisMax: this.#options.movingMillisMax,
      ended: (ended) => void this.#watches.delete(ended),
    });
    if (this.#isClosed) watch.fail(storeFailure("STOPPED"));
    else if (!watch.isOver) this.#watches.add(watch);
    return watch;
  }

  async grant(ttlMillis: number): Promise<Lease> {
    this.#patience.checkOpen();
    return this.#root.grant(ttlMillis);
  }

  async keepAlive(id: LeaseId): Promise<void> {
    this.#patience.checkOpen();
    return this.#root.keepAlive(id);
  }

  async revoke(id: LeaseId): Promise<void> {
    this.#patience.checkOpen();
    return this.#root.revoke(id);
  }

  /** Ends its watches, and refuses calls from here on. The groups are closed behind it, and answer what is on its way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const watch of [...this.#watches]) watch.fail(storeFailure("STOPPED"));
    this.#coordinator.close();
  }

  /** A position that says how much of several groups was seen is none of the root group's. */
  #goesStraight({ level }: ReadOptions): boolean {
    return this.#router.map.isWhole && typeof level !== "object" && !this.#isClosed;
  }

  /** The keys may have gone elsewhere before anybody here knew. */
  #straight<T>(call: Promise<T>, again: () => Promise<T>): Promise<T> {
    return call.catch((error: unknown) => {
      if (!isElsewhere(error) || this.#isClosed) throw error;
      return again();
    });
  }

  #get(address: RowAddress, { level, signal }: ReadOptions): Promise<Found> {
    return this.#patience.call(signal, async () => {
      const { group } = this.#router.map.of(encodeAddress(address));
      const known = this.#router.known(group);
      const found = await this.#ask(group, (store) => store.get(address, readOptions(group, level, signal)));
      const seen = new Map([[group, decodePosition(found.position, group)]]);
      return { row: found.row, position: encodeSeen({ seen, known }) };
    });
  }

  async #getMany(addresses: readonly RowAddress[], options: ReadOptions): Promise<readonly (Row | undefined)[]> {
    checkRowsAsked(addresses.length);
    const rows = new Array<Row | undefined>(addresses.length).fill(undefined);
    const encoded = addresses.map(encodeAddress);
    let left = addresses.map((_, place) => place);
    let bytes = 0;
    await this.#patience.call(options.signal, async () => {
      const { map } = this.#router;
      const byGroup = Map.groupBy(left, (place) => map.of(encoded[place]!).group);
      const asked = await Promise.allSettled(
        [...byGroup].map(async ([group, places]) => {
          const { level, signal } = options;
          const asks = places.map((place) => addresses[place]!);
          const found = await this.#ask(group, (store) => store.getMany(asks, readOptions(group, level, signal)));
          for (const [at, place] of places.entries()) {
            rows[place] = found[at];
            bytes += found[at]?.value.length ?? 0;
          }
          return new Set(places);
        }),
      );
      checkBytesRead(bytes);
      const answered = asked.flatMap((one) => (one.status === "fulfilled" ? [...one.value] : []));
      const done = new Set(answered);
      left = left.filter((place) => !done.has(place));
      for (const one of asked) if (one.status === "rejected" && !isElsewhere(one.reason)) throw one.reason;
      for (const one of asked) if (one.status === "rejected") throw one.reason;
    });
    return rows;
  }

  async #scan(table: Table, range: ScanRange, options: ScanOptions): Promise<ScanPage> {
    checkScanLimit(options);
    const { level, signal, reverse = false } = options;
    const { map } = this.#router;
    const known = this.#router.known();
    const page = async (where: () => ScanStep, limit: number) =>
      this.#patience.call(signal, async () => {
        const step = where();
        const asked = { ...readOptions(step.group, level, signal), limit, reverse };
        return { step, page: await this.#ask(step.group, (store) => store.scan(table, step.range, asked)) };
      });
    const { rows, more, positions } = await scanRanges({ table, range, options, map: () => this.#router.map, page });
    const seen = new Map<number, number>();
    for (const [group, position] of positions) {
      const revision = decodePosition(position, group);
      // Of two ranges of one group, what came behind the first reading was not seen of both.
      seen.set(group, Math.min(revision, seen.get(group) ?? revision));
      known.delete(group);
    }
    const isWhole = positions.length === 1 && map.within(encodeRange(table, range)).length === 1;
    return { rows, more, position: encodeSeen({ seen, known, ...(!isWhole && { map: map.revision }) }) };
  }

  async #commit(commit: Commit, { signal }: Signal): Promise<CommitResult> {
    this.#patience.checkOpen(signal);
    const prepared = prepareCommit(commit);
    for (let adoptions = 0; ; adoptions++) {
      try {
        return await this.#commitPrepared(prepared, signal);
      } catch (error) {
        const isUnknown = hasCode(error, "LEASE_UNKNOWN") || hasCode(error, "SESSION_UNKNOWN");
        if (!isUnknown || adoptions >= ADOPTIONS_MAX || !(await this.#adopt(prepared, signal))) throw error;
      }
    }
  }

  #commitPrepared(prepared: PreparedCommit, signal: AbortSignal | undefined): Promise<CommitResult> {
    return this.#patience.call(signal, async () => {
      const groups = this.#groupsOf(prepared);
      const [group = ROOT_GROUP, ...others] = groups;
      if (others.length > 0) return this.#commitAcross(prepared, signal);
      const known = this.#router.known(group);
      const result = await this.#ask(group, (store) => store.commitPrepared(prepared, signalOf(signal)));
      const seen = new Map([[group, decodePosition(result.position, group)]]);
      return { ...result, position: encodeSeen({ seen, known }) };
    });
  }

  /** Makes the groups of a commit know its lease and its session. False where those are at home, or have ended there. */
  async #adopt({ lease, request, puts, deletes, checks }: PreparedCommit, signal?: AbortSignal): Promise<boolean> {
    const { map } = this.#router;
    const wanted = new Map<string, readonly [lease: LeaseId, group: number]>();
    const want = (id: LeaseId, row: Uint8Array): void => {
      const { group } = map.of(row);
      if (group !== ROOT_GROUP) wanted.set(`${id} ${group}`, [id, group]);
    };
    if (lease !== 0) for (const { key } of puts) want(lease, key);
    const home = puts[0]?.key ?? deletes[0] ?? checks[0]?.key;
    if (request !== undefined && home !== undefined) want(request.session, home);
    const adopted = [...wanted.values()].map(([id, group]) => {
      return this.#patience.call(signal, () => this.#router.adopt(id, group));
    });
    const answers = await Promise.all(adopted);
    return answers.length > 0 && answers.every((isAlive) => isAlive);
  }

  /** A group that this node stops to be a member of goes on at others. */
  async #ask<T>(group: number, call: (store: GroupStore) => Promise<T>): Promise<T> {
    try {
      return await call(this.#router.group(group));
    } catch (cause) {
      if (group === ROOT_GROUP || !hasCode(cause, "STOPPED")) throw cause;
      throw storeFailure("RANGE_MOVING", { data: { group }, cause });
    }
  }

  async #commitAcross(commit: PreparedCommit, signal: AbortSignal | undefined): Promise<CommitResult> {
    const known = this.#router.known();
    const result = await this.#coordinator.commitPrepared(commit, signalOf(signal));
    const position = this.#positionOf(result, known);
    if (!result.committed) return { committed: false, failedChecks: result.failedChecks, position };
    return { committed: true, revision: result.revision, position };
  }

  /** Of a request that was answered before, no group has told how far it is: only the newest states hold it. */
  #positionOf({ marks }: AcrossResult, known: Map<number, number>): Position {
    const seen = new Map<number, number>();
    for (const { id, revision } of marks) {
      seen.set(id, revision);
      known.delete(id);
    }
    if (seen.size === 0) seen.set(ROOT_GROUP, this.#root.participant.revision);
    known.delete(ROOT_GROUP);
    return encodeSeen({ seen, known, map: this.#router.map.revision });
  }

  #groupsOf({ puts, deletes, checks }: PreparedCommit): Set<number> {
    const { map } = this.#router;
    const groups = new Set<number>();
    for (const { key } of puts) groups.add(map.of(key).group);
    for (const key of deletes) groups.add(map.of(key).group);
    for (const { key } of checks) groups.add(map.of(key).group);
    return groups;
  }
}

function signalOf(signal: AbortSignal | undefined): Signal {
  return signal === undefined ? {} : { signal };
}

/** Of a read in one group. What was seen of others, too, may have come here since: only the newest state holds it. */
function readOptions(group: number, level: ReadLevel | undefined, signal: AbortSignal | undefined): ReadOptions {
  if (typeof level !== "object") return { ...(level && { level }), ...signalOf(signal) };
  const { seen, map } = decodeSeen(level.atLeast);
  const revision = seen.size === 1 && map === 0 ? seen.get(group) : undefined;
  const asked: ReadLevel = revision === undefined ? "linearizable" : { atLeast: encodePosition(group, revision) };
  return { level: asked, ...signalOf(signal) };
}
