// The Store over a replicated group: commits go through the group's log into the machine, reads come from the machine's
// Index. A commit is answered once it is durable on a quorum and applied here; so what is acknowledged is also what a
// read sees.

import type { Env, Index } from "../../env/index.ts";
import { AssertionError } from "../../std/assert.ts";
import { hasCode } from "../../std/errors.ts";
import { type WrittenCheckpoint, writeCheckpoint } from "../checkpoint.ts";
import { encodeCommand } from "../command.ts";
import { prepareCommit } from "../commit-rules.ts";
import { storeFailure } from "../errors.ts";
import type { CommandResult, StoreMachine } from "../machine.ts";
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
import type { StoreCounters } from "./counters.ts";
import type { StoreGroup } from "./group.ts";
import type { LeaseService } from "./leases.ts";
import type { ReplicatedOptions } from "./options.ts";
import { decodePosition, encodePosition } from "./position.ts";
import { checkScanLimit, readRow, readRows, scanRows } from "./reads.ts";
import type { RebuildMark } from "./rebuild-mark.ts";
import { Slots } from "./slots.ts";
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
  readonly options: ReplicatedOptions;
  readonly counters: StoreCounters;
  /** Set when a row fails its checksum: the next start rebuilds the index. */
  readonly mark: RebuildMark;
}

export class ReplicatedStore implements Store {
  readonly counters: StoreCounters;
  readonly #parts: ReplicatedParts;
  /** Each may hold a snapshot of the index, of which there is a limited number. */
  readonly #scans: Slots;
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
  }

  async get(address: RowAddress, options: ReadOptions = {}): Promise<Found> {
    await this.#readable(options);
    const row = this.#read(() => readRow(this.#parts.machine, address));
    return { row, position: this.#here() };
  }

  async getMany(addresses: readonly RowAddress[], options: ReadOptions = {}): Promise<readonly (Row | undefined)[]> {
    await this.#readable(options);
    return this.#read(() => readRows(this.#parts.machine, addresses));
  }

  async scan(table: Table, range: ScanRange, options: ScanOptions): Promise<ScanPage> {
    checkScanLimit(options);
    await this.#readable(options);
    const { machine, env } = this.#parts;
    const mayGoOn = (): void => this.#checkOpen(options.signal);
    const context = { machine, timers: env.timers, options: this.#parts.options, mayGoOn };
    await this.#scans.enter();
    try {
      await this.#settledRows();
      mayGoOn();
      const position = this.#here();
      this.counters.reads++;
      const page = await scanRows(context, table, range, options).catch((error) => this.#readFailed(error));
      this.counters.rowsScanned += page.rows.length;
      return { ...page, position };
    } finally {
      this.#scans.leave();
    }
  }

  async commit(commit: Commit, { signal }: { readonly signal?: AbortSignal } = {}): Promise<CommitResult> {
    this.#checkOpen(signal);
    const command = encodeCommand({ kind: "commit", ...prepareCommit(commit) });
    const result = await orAborted(this.#propose(command), signal);
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

  watch(table: Table, range: ScanRange, options: WatchOptions = {}): AsyncIterable<WatchEvent> {
    return this.#parts.watches.watch(table, range, options);
  }

  async grant(ttlMillis: number): Promise<Lease> {
    this.#checkOpen();
    return this.#parts.leases.grant(ttlMillis);
  }

  async keepAlive(id: LeaseId): Promise<void> {
    this.#checkOpen();
    const { leases } = this.#parts;
    leases.checkLeads();
    // That it still leads, or led when this call came: who leads after it gives the lease its full time.
    await this.#barrier();
    this.#read(() => leases.keepAlive(id));
  }

  async revoke(id: LeaseId): Promise<void> {
    this.#checkOpen();
    await this.#parts.leases.revoke(id);
  }

  /** Writes a checkpoint now instead of when it is due. */
  async checkpoint(): Promise<void> {
    this.#checkOpen();
    await this.#parts.upkeep.checkpoint();
  }

  /** Writes all rows as they are now into one file of any disk; `restoreCheckpoint` reads it. The folder must exist. */
  async backup(disk: Env["disk"], name: string, signal?: AbortSignal): Promise<WrittenCheckpoint> {
    await this.#readable(signal ? { signal } : {});
    const snapshot = this.#parts.machine.snapshot();
    const header = this.#parts.machine.state;
    try {
      return await writeCheckpoint({ disk, name, snapshot, header, ...(signal && { signal }) });
    } catch (error) {
      return this.#readFailed(error);
    } finally {
      snapshot.close();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** New calls are refused from here on; those under way are answered, for the log still takes them. */
  async #close(): Promise<void> {
    const { watches, upkeep, group, index, mark, leases } = this.#parts;
    leases.close();
    watches.close(storeFailure("STOPPED"));
    await group[Symbol.asyncDispose]();
    await upkeep.close();
    await mark.settled();
    await index.close();
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

  /** Rejects with OVERLOADED, NO_LEADER or STOPPED. */
  async #barrier(): Promise<void> {
    try {
      await this.#parts.group.readBarrier();
    } catch (cause) {
      throw hostRefusal(cause) ?? storeFailure("STOPPED", { cause });
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

/** Rejects with OVERLOADED, NO_LEADER or TOO_LARGE where nothing was written, else with OUTCOME_UNKNOWN. */
export async function proposeTo(
  group: Pick<StoreGroup, "propose">,
  command: Uint8Array,
  counters: StoreCounters,
): Promise<CommandResult> {
  try {
    return await group.propose(command);
  } catch (cause) {
    const refusal = hostRefusal(cause);
    if (hasCode(refusal, "OVERLOADED")) counters.overloads++;
    throw refusal ?? storeFailure("OUTCOME_UNKNOWN", { cause });
  }
}

/** What of the host's errors says that nothing happened, as the Store's. Throws what is no operating error at all. */
function hostRefusal(cause: unknown): Error | undefined {
  if (cause instanceof AssertionError) throw cause;
  if (hasCode(cause, "OVERLOADED")) return storeFailure("OVERLOADED", { cause });
  if (hasCode(cause, "NO_LEADER")) return storeFailure("NO_LEADER", { cause });
  if (hasCode(cause, "COMMAND_TOO_LARGE")) return storeFailure("TOO_LARGE", { cause });
  return undefined;
}

/** The result, unless the caller gives up first: then the command is on its way all the same. */
async function orAborted<T>(result: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return result;
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(storeFailure("OUTCOME_UNKNOWN", { cause: signal.reason }));
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([result, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
