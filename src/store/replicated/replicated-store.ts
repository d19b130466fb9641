// The Store over a replicated group: commits go through the group's log into the machine, reads come from the machine's
// Index. A commit is answered once it is durable on a quorum and applied here; so what is acknowledged is also what a
// read sees.

import type { Env, Index } from "../../env/index.ts";
import { AssertionError } from "../../std/assert.ts";
import { hasCode } from "../../std/errors.ts";
import { orAborted } from "../aborts.ts";
import { type WrittenCheckpoint, writeCheckpoint } from "../checkpoint.ts";
import { type Command, encodeCommand } from "../command.ts";
import { type PreparedCommit, prepareCommit } from "../commit-rules.ts";
import { storeFailure } from "../errors.ts";
import { encodeAddress, encodeRange } from "../key-codec.ts";
import {
  type ExportPage,
  exportPage,
  type PageLimits,
  type WrittenPage,
  writtenPage,
} from "../machine/export-pages.ts";
import type { TransactionBugs } from "../machine/prepared-bugs.ts";
import { type KeyInterval, refusalOfRow, refusalOfRows, servesAllKeys } from "../machine/range-state.ts";
import type { CommandResult, StoreMachine } from "../machine.ts";
import type { GroupCalls } from "../ranges/group-calls.ts";
import type { GroupStore, PartsOptions } from "../ranges/group-store.ts";
import type { GroupWatch, WatchPart } from "../ranges/watch-begin.ts";
import { checkScanLimit } from "../read-rules.ts";
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
  WatchOptions,
} from "../store.ts";
import { writerOf } from "../transactions/lock-reads.ts";
import type { LockWaits } from "../transactions/lock-waits.ts";
import type { LockedBy, Participant } from "../transactions/participant.ts";
import type { Sweeper } from "../transactions/sweeper.ts";
import type { StoreCounters } from "./counters.ts";
import type { StoreGroup } from "./group.ts";
import { barrierOf, proposeTo } from "./group-calls.ts";
import { KeepAlives } from "./keep-alives.ts";
import type { LeaseService } from "./leases.ts";
import type { ReplicatedOptions } from "./options.ts";
import { decodePosition, encodePosition } from "./position.ts";
import { readRow, readRows, scanRows } from "./reads.ts";
import type { RebuildMark } from "./rebuild-mark.ts";
import { Slots } from "./slots.ts";
import type { StubKeeper } from "./stub-keeper.ts";
import type { Upkeep } from "./upkeep.ts";
import type { WatchHub } from "./watch.ts";

export interface ReplicatedParts {
  readonly env: Pick<Env, "clock" | "timers" | "disk">;
  readonly index: Index;
  readonly machine: StoreMachine;
  readonly group: StoreGroup;
  readonly watches: WatchHub;
  readonly leases: LeaseService;
  readonly upkeep: Upkeep;
  readonly transactions: TransactionParts;
  readonly options: ReplicatedOptions;
  readonly counters: StoreCounters;
  /** Set when a row fails its checksum: the next start rebuilds the index. */
  readonly mark: RebuildMark;
  /** Undefined where the group's members can not ask each other. */
  readonly calls: GroupCalls | undefined;
}

/** What the group does for commits over several groups. */
export interface TransactionParts {
  readonly self: Participant;
  readonly waits: LockWaits;
  readonly sweeper: Sweeper;
  /** Of a group that is not the root. */
  readonly stubs: StubKeeper | undefined;
  readonly bugs: TransactionBugs;
}

export class ReplicatedStore implements Store, GroupStore {
  readonly counters: StoreCounters;
  readonly #parts: ReplicatedParts;
  /** Each may hold a snapshot of the index, of which there is a limited number. */
  readonly #scans: Slots;
  readonly #keepAlives: KeepAlives;
  readonly #unserve: (() => void) | undefined;
  #commitsInFlight = 0;
  #bytesInFlight = 0;
  #position: { revision: number; text: Position };
  #closing: Promise<void> | undefined;

  constructor(parts: ReplicatedParts) {
    const { machine, options, counters } = parts;
    this.#parts = parts;
    this.counters = counters;
    this.#position = { revision: machine.revision, text: encodePosition(options.group, machine.revision) };
    this.#scans = new Slots({ runningMax: options.scansMax, waitingMax: options.scansWaitingMax });
    const { env, group, leases, calls } = parts;
    this.#keepAlives = new KeepAlives({
      ...{ group, groupId: options.group, leases, calls, timers: env.timers, retryMillis: options.leaseRetryMillis },
      barrier: () => this.#barrier(),
    });
    this.#unserve = calls?.serve(options.group, this);
  }

  async get(address: RowAddress, options: ReadOptions = {}): Promise<Found> {
    await this.#readable(options);
    if (this.#hasWriters(options)) await this.#unlocked([address], options);
    this.#checkServed([address]);
    const row = this.#read(() => readRow(this.#parts.machine, address));
    return { row, position: this.#here() };
  }

  async getMany(addresses: readonly RowAddress[], options: ReadOptions = {}): Promise<readonly (Row | undefined)[]> {
    await this.#readable(options);
    if (this.#hasWriters(options)) await this.#unlocked(addresses, options);
    this.#checkServed(addresses);
    return this.#read(() => readRows(this.#parts.machine, addresses));
  }

  async scan(table: Table, range: ScanRange, options: ScanOptions): Promise<ScanPage> {
    checkScanLimit(options);
    await this.#readable(options);
    const { waits } = this.#parts.transactions;
    const deadline = waits.deadline();
    for (;;) {
      const page = await this.#scanPage(table, range, options);
      if (!("locked" in page)) return page;
      // Without its slot: whoever it waits for may be waiting for scans.
      await waits.wait(page.locked, deadline, options.signal);
    }
  }

  async #scanPage(
    table: Table,
    range: ScanRange,
    options: ScanOptions,
  ): Promise<ScanPage | { readonly locked: LockedBy }> {
    const { machine, env } = this.#parts;
    const mayGoOn = (): void => this.#checkOpen(options.signal);
    const waitsForWriters = options.level !== "stale" && !this.#parts.transactions.bugs.has("scan-under-lock");
    const context = { machine, timers: env.timers, options: this.#parts.options, mayGoOn, waitsForWriters };
    await this.#scans.enter();
    try {
      await this.#settledRows();
      mayGoOn();
      const { ranges, state } = machine;
      const refusal = ranges && refusalOfRows(ranges, state.group, encodeRange(table, range));
      if (refusal !== undefined) throw storeFailure(refusal);
      const position = this.#here();
      this.counters.reads++;
      const page = await scanRows(context, table, range, options).catch((error) => this.#readFailed(error));
      if ("locked" in page) return page;
      this.counters.rowsScanned += page.rows.length;
      return { ...page, position };
    } finally {
      this.#scans.leave();
    }
  }

  async commit(commit: Commit, options: { readonly signal?: AbortSignal } = {}): Promise<CommitResult> {
    this.#checkOpen(options.signal);
    return this.commitPrepared(prepareCommit(commit), options);
  }

  async commitPrepared(
    commit: PreparedCommit,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<CommitResult> {
    this.#checkOpen(signal);
    const command = encodeCommand({ kind: "commit", ...commit });
    const result = await this.commitEncoded(command, signal);
    switch (result.kind) {
      case "committed":
        this.counters.commits++;
        return { committed: true, revision: result.revision, position: this.#at(result.revision) };
      case "conflict":
        this.counters.conflicts++;
        return { committed: false, failedChecks: result.failedChecks, position: this.#at(result.revision) };
      case "refused":
        throw storeFailure(result.code);
      default:
        throw new AssertionError("a commit is answered with a commit's result");
    }
  }

  /** Proposed until nobody is in its way. */
  async commitEncoded(command: Uint8Array, signal: AbortSignal | undefined): Promise<CommandResult> {
    this.#checkOpen(signal);
    const result = await orAborted(this.#propose(command), signal);
    return result.kind === "locked" ? this.#proposeUnlocked(command, result, signal) : result;
  }

  /** The group as one of several that a commit is made over. */
  get participant(): Participant {
    return this.#parts.transactions.self;
  }

  /** Rows that commits over several groups have here for as long as they are under way: locks and decisions. */
  get prepared(): number {
    const { writeLocks, checkLocks, decisions } = this.#parts.machine.prepared;
    return writeLocks + checkLocks + decisions;
  }

  watch(table: Table, range: ScanRange, options: WatchOptions = {}): GroupWatch {
    return this.#parts.watches.watch(table, range, options, () => this.#newest());
  }

  watchParts(table: Table, parts: readonly WatchPart[], options: PartsOptions = {}): GroupWatch {
    return this.#parts.watches.watchParts(table, parts, options, () => this.#newest());
  }

  async grant(ttlMillis: number): Promise<Lease> {
    this.#checkOpen();
    return this.#parts.leases.grant(ttlMillis);
  }

  async keepAlive(id: LeaseId): Promise<void> {
    this.#checkOpen();
    await this.#keepAlives.keepAlive(id).catch((error) => this.#readFailed(error));
  }

  /** Asked by another member. Rejects with NOT_LEADER where this one does not lead. */
  async keepAliveHere(id: LeaseId): Promise<void> {
    this.#checkOpen();
    await this.#keepAlives.keepAliveHere(id).catch((error) => this.#readFailed(error));
  }

  async revoke(id: LeaseId): Promise<void> {
    this.#checkOpen();
    await this.#parts.leases.revoke(id);
  }

  async propose(command: Command): Promise<CommandResult> {
    this.#checkOpen();
    return this.#propose(encodeCommand(command));
  }

  async exportPage(interval: KeyInterval, from: Uint8Array | undefined, limits: PageLimits): Promise<ExportPage> {
    await this.#readable({});
    return this.#read(() => exportPage(this.#parts.index, interval, from, limits));
  }

  async writtenPage(transfer: number, limits: PageLimits): Promise<WrittenPage> {
    await this.#readable({});
    return this.#read(() => writtenPage(this.#parts.index, transfer, limits));
  }

  /** All that was ever written here, in commits and bytes: how much these grow tells how busy the group is. */
  get written(): { readonly commits: number; readonly bytes: number } {
    const { revision, commandBytes } = this.#parts.machine.state;
    return { commits: revision, bytes: commandBytes };
  }

  /** Which keys the group serves, as this member has it; undefined where it serves all. */
  get intervals(): readonly KeyInterval[] | undefined {
    return this.#parts.machine.ranges?.serves;
  }

  /** Whoever waits for an event of a watch has been told all up to here. */
  get watchPosition(): Position {
    return this.#at(this.#parts.watches.revision);
  }

  revisionOf(position: Position): number {
    return decodePosition(position, this.#parts.options.group);
  }

  /** Writes a checkpoint now instead of when it is due. */
  async checkpoint(): Promise<void> {
    this.#checkOpen();
    await this.#parts.upkeep.checkpoint();
  }

  /**
   * Writes all rows as they are now into one file of any disk; `restoreCheckpoint` reads it. The folder must exist.
   * Rejects with RANGES_CUT where other groups have some of them.
   */
  async backup(disk: Env["disk"], name: string, signal?: AbortSignal): Promise<WrittenCheckpoint> {
    await this.#readable(signal ? { signal } : {});
    const { ranges } = this.#parts.machine;
    if (ranges !== undefined && !servesAllKeys(ranges)) throw storeFailure("RANGES_CUT");
    return this.#writeRows(disk, name, signal);
  }

  /** Likewise of the rows that the group has, also of those that nobody is to read for a moment. Resolves once they are held. */
  async copy(
    disk: Env["disk"],
    name: string,
    signal?: AbortSignal,
  ): Promise<{ readonly written: Promise<WrittenCheckpoint> }> {
    await this.#readable(signal ? { signal } : {});
    const written = this.#writeRows(disk, name, signal);
    // For whoever waits for it; until then it is nobody's.
    written.catch(() => {});
    return { written };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** New calls are refused from here on; those under way are answered, for the log still takes them. */
  async #close(): Promise<void> {
    const { watches, upkeep, group, index, mark, leases, transactions } = this.#parts;
    this.#unserve?.();
    leases.close();
    transactions.waits.close();
    watches.close(storeFailure("STOPPED"));
    const swept = Promise.all([transactions.sweeper.close(), transactions.stubs?.close()]);
    await group[Symbol.asyncDispose]();
    await swept;
    await upkeep.close();
    await mark.settled();
    await index.close();
  }

  /** As they are in this turn. */
  async #writeRows(disk: Env["disk"], name: string, signal: AbortSignal | undefined): Promise<WrittenCheckpoint> {
    const { machine } = this.#parts;
    const [snapshot, header] = [machine.snapshot(), machine.state];
    try {
      return await writeCheckpoint({ disk, name, snapshot, header, ...(signal && { signal }) });
    } catch (error) {
      return this.#readFailed(error);
    } finally {
      snapshot.close();
    }
  }

  #checkOpen(signal?: AbortSignal): void {
    if (this.#closing) throw storeFailure("STOPPED");
    signal?.throwIfAborted();
  }

  /** Resolves when a read at this level may look at the machine. */
  async #readable({ level = "linearizable", signal }: ReadOptions): Promise<void> {
    this.#checkOpen(signal);
    await this.#settledRows();
    if (level === "stale") return;
    if (level !== "linearizable" && this.#holds(level)) return;
    await this.#barrier();
    await this.#settledRows();
    this.#checkOpen(signal);
    if (level !== "linearizable" && !this.#holds(level)) {
      // What every acknowledged commit is part of does not reach this position: it was never given out by this Store.
      throw storeFailure("POSITION_INVALID", { data: { position: level.atLeast.slice(0, 64) } });
    }
  }

  async #newest(): Promise<number> {
    await this.#readable({});
    return this.#parts.machine.revision;
  }

  /** Throws RANGE_MISMATCH or RANGE_MOVING. To be called in the turn that reads. */
  #checkServed(rows: readonly RowAddress[]): void {
    const { ranges, state } = this.#parts.machine;
    if (ranges === undefined) return;
    for (const row of rows) {
      const refusal = refusalOfRow(ranges, state.group, encodeAddress(row));
      if (refusal !== undefined) throw storeFailure(refusal);
    }
  }

  #barrier(): Promise<void> {
    return barrierOf(this.#parts.group);
  }

  /** Whether a read may meet a row that a commit over several groups is going to write. */
  #hasWriters({ level }: ReadOptions): boolean {
    const { machine, transactions } = this.#parts;
    return machine.prepared.writeLocks > 0 && level !== "stale" && !transactions.bugs.has("read-under-lock");
  }

  /** Resolves in a turn in which nobody is going to write any of the rows. */
  async #unlocked(rows: readonly RowAddress[], { signal }: ReadOptions): Promise<void> {
    const { machine, transactions } = this.#parts;
    const deadline = transactions.waits.deadline();
    const keys = rows.map(encodeAddress);
    for (;;) {
      this.#checkServed(rows);
      let lock: LockedBy | undefined;
      for (let at = 0; at < keys.length && lock === undefined; at++) lock = this.#locked(keys[at]!);
      if (lock === undefined) return;
      await transactions.waits.wait(lock, deadline, signal);
      while (machine.restoring !== undefined) await machine.restoring;
      this.#checkOpen(signal);
    }
  }

  #locked(key: Uint8Array): LockedBy | undefined {
    try {
      return writerOf(this.#parts.machine, key);
    } catch (error) {
      return this.#readFailed(error);
    }
  }

  /** Nothing happens while a transaction is in the way: the commit is proposed again when that may have gone. */
  async #proposeUnlocked(
    command: Uint8Array,
    first: LockedBy,
    signal: AbortSignal | undefined,
  ): Promise<CommandResult> {
    const { waits } = this.#parts.transactions;
    const deadline = waits.deadline();
    for (let lock = first; ; ) {
      await waits.wait(lock, deadline, signal);
      this.#checkOpen(signal);
      const result = await orAborted(this.#propose(command), signal);
      if (result.kind !== "locked") return result;
      lock = result;
    }
  }

  /** Resolves in a turn in which no snapshot takes the place of rows. */
  async #settledRows(): Promise<void> {
    const { machine } = this.#parts;
    while (machine.restoring !== undefined) await machine.restoring;
  }

  #holds(level: Exclude<ReadLevel, string>): boolean {
    return decodePosition(level.atLeast, this.#parts.options.group) <= this.#parts.machine.revision;
  }

  #read<T>(read: () => T): T {
    this.counters.reads++;
    try {
      return read();
    } catch (error) {
      return this.#readFailed(error);
    }
  }

  #readFailed(error: unknown): never {
    if (!hasCode(error, "ROW_DAMAGED") && !hasCode(error, "INDEX_DAMAGED")) throw error;
    this.counters.rowsDamaged++;
    this.#parts.mark.set();
    throw hasCode(error, "INDEX_DAMAGED") ? storeFailure("ROW_DAMAGED", { cause: error }) : error;
  }

  #propose(command: Uint8Array): Promise<CommandResult> {
    const { commitsMax, commitsBytesMax } = this.#parts.options;
    if (this.#commitsInFlight >= commitsMax || this.#bytesInFlight + command.length > commitsBytesMax) {
      this.counters.overloads++;
      const data = { commits: this.#commitsInFlight, bytes: this.#bytesInFlight };
      throw storeFailure("OVERLOADED", { data });
    }
    this.#commitsInFlight++;
    this.#bytesInFlight += command.length;
    const proposal = proposeTo(this.#parts.group, command, this.counters);
    const release = (): void => {
      this.#commitsInFlight--;
      this.#bytesInFlight -= command.length;
    };
    proposal.then(release, release);
    return proposal;
  }

  #here(): Position {
    const { revision } = this.#parts.machine;
    if (this.#position.revision !== revision) this.#position = { revision, text: this.#at(revision) };
    return this.#position.text;
  }

  #at(revision: number): Position {
    return encodePosition(this.#parts.options.group, revision);
  }
}
