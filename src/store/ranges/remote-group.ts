// A group of which this node is no member: it asks those who are, first the one that answered last. Reads go from one to
// the next until one answers; what is proposed is sent on only where it certainly was not taken.

import type { Clock, Timers } from "../../env/index.ts";
import { AssertionError } from "../../std/assert.ts";
import { hasCode } from "../../std/errors.ts";
import type { ByteReader } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";
import { type Command, encodeCommand } from "../command.ts";
import { checkTtl, type PreparedCommit, prepareCommit } from "../commit-rules.ts";
import { storeFailure } from "../errors.ts";
import { encodeRange } from "../key-codec.ts";
import type { ExportPage, PageLimits, WrittenPage } from "../machine/export-pages.ts";
import type { KeyInterval } from "../machine/range-state.ts";
import type { CommandResult } from "../machine.ts";
import { checkScanLimit } from "../read-rules.ts";
import { decodePosition, encodePosition } from "../replicated/position.ts";
import type {
  Commit,
  CommitResult,
  Found,
  Lease,
  LeaseId,
  Position,
  ReadOptions,
  Row,
  RowAddress,
  ScanOptions,
  ScanPage,
  ScanRange,
  Table,
  WatchOptions,
} from "../store.ts";
import type { Decision, TransactionName } from "../transactions/participant.ts";
import type { GroupCalls, StoreMethod } from "./group-calls.ts";
import type { GroupStore, PartsOptions } from "./group-store.ts";
import { isPeerFailure, refusalOf, wasNotAsked } from "./peer-errors.ts";
import { RemoteWatch, type RemoteWatchSettings } from "./remote-watch.ts";
import type { WatchPart } from "./watch-begin.ts";
import { readPolled, writePoll } from "./watch-poll.ts";
import {
  readDecision,
  readExportPage,
  readResult,
  readRow,
  readScanPage,
  readWrittenPage,
  writeAddress,
  writeLevel,
  writeLimits,
  writeRange,
  writeScanOptions,
} from "./wire.ts";

export interface RemoteGroupOptions {
  /** What a call may take until it is refused with NO_LEADER. */
  readonly callMillisMax: number;
  /** Of one member. */
  readonly askMillisMax: number;
  /** Between two rounds of all members. */
  readonly pauseMillis: number;
  /** How long a member keeps a question of a watch. */
  readonly pollMillis: number;
  /** Calls under way; more are refused with OVERLOADED. */
  readonly callsMax: number;
}

export const REMOTE_DEFAULTS: RemoteGroupOptions = {
  callMillisMax: 10_000,
  askMillisMax: 5_000,
  pauseMillis: 50,
  pollMillis: 2_000,
  callsMax: 1024,
};

export interface RemoteGroupSettings {
  readonly group: number;
  readonly calls: GroupCalls;
  readonly clock: Clock;
  readonly timers: Timers;
  /** As far as this node knows; asked anew by every call. */
  readonly members: () => readonly number[];
  readonly options?: Partial<RemoteGroupOptions>;
}

type Question = { readonly signal?: AbortSignal | undefined; readonly isOnce?: boolean; readonly askMillis?: number };

export class RemoteGroup implements GroupStore {
  readonly #settings: RemoteGroupSettings;
  readonly #options: RemoteGroupOptions;
  /** The member that answered last. */
  #last = 0;
  #underWay = 0;
  #revision = 0;
  /** Watches that no member has been told of yet: what is written after their call comes after them. */
  readonly #beginning = new Set<Promise<unknown>>();

  constructor(settings: RemoteGroupSettings) {
    this.#settings = settings;
    this.#options = { ...REMOTE_DEFAULTS, ...settings.options };
  }

  /** The highest revision of the group that an answer has told of. */
  get revision(): number {
    return this.#revision;
  }

  /** The group has reached this revision. */
  note(revision: number): void {
    this.#revision = Math.max(this.#revision, revision);
  }

  async get(address: RowAddress, { level, signal }: ReadOptions = {}): Promise<Found> {
    const body = writeLevel(writeAddress(new ByteWriter(), address), level).end();
    const reader = await this.#ask("get", body, { signal });
    const position = reader.string();
    this.note(decodePosition(position, this.#settings.group));
    return { row: readRow(reader), position };
  }

  async getMany(addresses: readonly RowAddress[], options: ReadOptions = {}): Promise<readonly (Row | undefined)[]> {
    const { level, signal } = options;
    const writer = new ByteWriter().varint(addresses.length);
    for (const address of addresses) writeAddress(writer, address);
    const reader = await this.#ask("getMany", writeLevel(writer, level).end(), { signal });
    return addresses.map(() => readRow(reader));
  }

  async scan(table: Table, range: ScanRange, options: ScanOptions): Promise<ScanPage> {
    checkScanLimit(options);
    encodeRange(table, range);
    const body = writeScanOptions(writeRange(new ByteWriter().u8(table), range), options).end();
    const page = readScanPage(await this.#ask("scan", body, options));
    this.note(decodePosition(page.position, this.#settings.group));
    return page;
  }

  async commit(commit: Commit, options: { readonly signal?: AbortSignal } = {}): Promise<CommitResult> {
    return this.commitPrepared(prepareCommit(commit), options);
  }

  async commitPrepared(
    commit: PreparedCommit,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<CommitResult> {
    const command = encodeCommand({ kind: "commit", ...commit });
    const result = readResult(await this.#ask("commit", command, { isOnce: true, signal }));
    switch (result.kind) {
      case "committed":
      case "conflict": {
        this.note(result.revision);
        const position = this.#positionOf(result.revision);
        if (result.kind === "committed") return { committed: true, revision: result.revision, position };
        return { committed: false, failedChecks: result.failedChecks, position };
      }
      case "refused":
        throw storeFailure(result.code);
      default:
        throw new AssertionError("a commit is answered with a commit's result");
    }
  }

  watch(table: Table, range: ScanRange, { since, progress = false, signal }: WatchOptions = {}): RemoteWatch {
    return this.#watch(table, [{ range }], { cursor: since, progress, signal });
  }

  watchParts(
    table: Table,
    parts: readonly WatchPart[],
    { cursor, progress = false, signal }: PartsOptions = {},
  ): RemoteWatch {
    const from = cursor === undefined ? undefined : this.#positionOf(cursor);
    return this.#watch(table, parts, { cursor: from, progress, signal });
  }

  #watch(
    table: Table,
    parts: readonly WatchPart[],
    { cursor, progress, signal }: Pick<RemoteWatchSettings, "cursor" | "progress" | "signal">,
  ): RemoteWatch {
    const { pollMillis, askMillisMax } = this.#options;
    const isNow = cursor === undefined && parts.some(({ since, befores }) => since === undefined && !befores);
    const watch = new RemoteWatch({
      ...{ cursor, signal, progress, beginsAtOnce: progress || isNow },
      revisionOf: (position) => decodePosition(position, this.#settings.group),
      positionOf: (revision) => this.#positionOf(revision),
      ask: async (at, waits, stopped) => {
        for (const { range } of parts) encodeRange(table, range);
        const waitMillis = waits ? pollMillis : 0;
        const body = writePoll(new ByteWriter(), { table, parts, cursor: at, waitMillis }).end();
        return readPolled(await this.#ask("watch", body, { signal: stopped, askMillis: askMillisMax + waitMillis }));
      },
    });
    this.#beginning.add(watch.begun);
    const begun = (): void => void this.#beginning.delete(watch.begun);
    watch.begun.then(begun, begun);
    return watch;
  }

  #positionOf(revision: number): Position {
    return encodePosition(this.#settings.group, revision);
  }

  async grant(ttlMillis: number): Promise<Lease> {
    checkTtl(ttlMillis);
    const reader = await this.#ask("grant", new ByteWriter().varint(ttlMillis).end(), { isOnce: true });
    return { id: reader.varint(), ttlMillis };
  }

  async keepAlive(id: LeaseId): Promise<void> {
    await this.#ask("keepAlive", leaseBody(id), {});
  }

  async revoke(id: LeaseId): Promise<void> {
    await this.#ask("revoke", leaseBody(id), { isOnce: true });
  }

  async propose(command: Command): Promise<CommandResult> {
    const result = readResult(await this.#ask("propose", encodeCommand(command), { isOnce: true }));
    // A group never goes back behind what it has answered with; a transaction's own revision may be another group's.
    if ("revision" in result && result.kind !== "committed") this.note(result.revision);
    return result;
  }

  /** A linearizable read of a decision of a commit over several groups. */
  async readDecision({ transaction, home }: TransactionName): Promise<Decision | undefined> {
    const reader = await this.#ask("decision", new ByteWriter().blob(transaction).blob(home).end(), {});
    return readDecision(reader);
  }

  async exportPage(interval: KeyInterval, from: Uint8Array | undefined, limits: PageLimits): Promise<ExportPage> {
    const writer = new ByteWriter().blob(interval.from).blob(interval.to);
    if (from === undefined) writer.u8(0);
    else writer.u8(1).blob(from);
    return readExportPage(await this.#ask("exportPage", writeLimits(writer, limits).end(), {}));
  }

  async writtenPage(transfer: number, limits: PageLimits): Promise<WrittenPage> {
    const body = writeLimits(new ByteWriter().varint(transfer), limits).end();
    return readWrittenPage(await this.#ask("writtenPage", body, {}));
  }

  async #ask(method: StoreMethod, body: Uint8Array, question: Question): Promise<ByteReader> {
    const { callsMax } = this.#options;
    question.signal?.throwIfAborted();
    if (this.#underWay >= callsMax) {
      throw storeFailure("OVERLOADED", { what: "Too many calls to other nodes are open.", data: { callsMax } });
    }
    this.#underWay++;
    try {
      if (question.isOnce === true && this.#beginning.size > 0) await Promise.allSettled(this.#beginning);
      return await this.#askMembers(method, body, question);
    } finally {
      this.#underWay--;
    }
  }

  async #askMembers(method: StoreMethod, body: Uint8Array, question: Question): Promise<ByteReader> {
    const { clock, timers, group } = this.#settings;
    const { callMillisMax, pauseMillis } = this.#options;
    const deadline = clock.monotonic() + callMillisMax + (question.askMillis ?? 0);
    let cause: unknown;
    for (;;) {
      for (const member of this.#members()) {
        const answer = await this.#askMember(member, method, body, question);
        if (answer.reader !== undefined) return answer.reader;
        cause = answer.cause;
        if (clock.monotonic() >= deadline) break;
      }
      if (clock.monotonic() >= deadline) break;
      await new Promise<void>((resolve) => timers.after(pauseMillis, resolve));
      question.signal?.throwIfAborted();
    }
    throw storeFailure("NO_LEADER", { what: `No member of group ${group} answered in time.`, data: { group }, cause });
  }

  /** The one that answered last stands first. */
  #members(): readonly number[] {
    const members = this.#settings.members();
    return members.includes(this.#last) ? [this.#last, ...members.filter((one) => one !== this.#last)] : members;
  }

  /** Without a reader, nothing has happened, or nothing that asking again could harm: another member may know better. */
  async #askMember(
    member: number,
    method: StoreMethod,
    body: Uint8Array,
    { signal, isOnce = false, askMillis = 0 }: Question,
  ): Promise<{ readonly reader?: ByteReader; readonly cause?: unknown }> {
    const { calls, group } = this.#settings;
    const timeoutMillis = Math.max(this.#options.askMillisMax, askMillis);
    try {
      const reader = await calls.ask(member, group, method, body, { signal, timeoutMillis });
      this.#last = member;
      return { reader };
    } catch (error) {
      if (isOnce && signal?.aborted === true) throw storeFailure("OUTCOME_UNKNOWN", { cause: error });
      const refusal = refusalOf(error);
      if (refusal !== undefined && !ELSEWHERE.some((code) => hasCode(refusal, code))) throw refusal;
      if (refusal === undefined && !isPeerFailure(error)) throw error;
      if (refusal === undefined && isOnce && !wasNotAsked(error))
        throw storeFailure("OUTCOME_UNKNOWN", { cause: error });
      const leader = refusal?.data["leader"];
      this.#last = typeof leader === "number" ? leader : 0;
      return { cause: error };
    }
  }
}

/** Throws LEASE_UNKNOWN for what is no lease's id. */
function leaseBody(lease: LeaseId): Uint8Array {
  if (!Number.isSafeInteger(lease) || lease < 1) throw storeFailure("LEASE_UNKNOWN", { data: { lease } });
  return new ByteWriter(16).varint(lease).end();
}

/** Nothing happened at this member, and another one may do it. */
const ELSEWHERE = ["NOT_LEADER", "NO_LEADER", "STOPPED"] as const;
