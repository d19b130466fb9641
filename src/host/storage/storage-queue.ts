import { type Entry, type HardState, isConfChange, type Message, type Snapshot } from "../../core/raft/index.ts";
import { hasCode } from "../../std/errors.ts";
import { hostFailure } from "../errors.ts";
import { toStored } from "../requests/entry.ts";
import type { GroupStorage } from "./group-storage.ts";
import type { RaftLog, RaftLogRecord } from "./raft-log.ts";

/** Of an entry in a record besides its data: its length, and its kind where that stands before it. */
const ENTRY_OVERHEAD_BYTES = 9;

export interface StorageQueueOptions {
  readonly log: RaftLog;
  readonly group: number;
  readonly storage: GroupStorage;
  readonly hardState: HardState | undefined;
  /** Makes the state of a snapshot, whose file is there, the machine's, and the log's beginning. */
  readonly install: (snapshot: Snapshot, hardState: HardState | undefined) => Promise<void>;
  /** The messages that may go out now: what they promise is on disk. */
  readonly release: (responses: readonly Message[]) => void;
  readonly fail: (error: Error) => void;
}

/**
 * The storage work of one group, done in its order. Many appends are on their way at once: the log writes them in
 * order and reports them in order. A snapshot is installed when all before it is written, and stops the queue until it
 * is: entries that the log had no space for must not be tried again behind the snapshot that voids them.
 */
export class StorageQueue {
  readonly #options: StorageQueueOptions;
  readonly #waiting: Message[] = [];
  /** Of the log once all that is on its way is written. */
  #lastIndex: number;
  #hardState: HardState | undefined;
  /** A newer one, of which only the commit index differs: it goes along with the next append. */
  #laterState: HardState | undefined;
  #onItsWay = 0;
  /** What the log had no space for, in its order. */
  #refused: Message[] = [];
  /** What the newest append on its way lets go out when it is durable. */
  #newest: Message[] = [];
  #refusedMarks: RefusedMarks[] = [];
  #isInstalling = false;
  #isStopped = false;
  readonly #stopped: PromiseWithResolvers<void> = Promise.withResolvers<void>();

  constructor(options: StorageQueueOptions) {
    this.#options = options;
    this.#lastIndex = options.log.group(options.group).lastIndex;
    this.#hardState = options.hardState;
  }

  add(work: Message): void {
    this.#waiting.push(work);
    this.#next();
  }

  /** Records beside the core's work. What the log has no space for waits until it has. */
  marks(records: readonly RaftLogRecord[]): Promise<void> {
    return new Promise((resolve, reject) => this.#mark({ records, resolve, reject }));
  }

  /** Tries again what the log had no space for: it refuses whatever follows for the group, so the order stays. */
  retry(): void {
    const marks = this.#refusedMarks;
    this.#refusedMarks = [];
    for (const one of marks) this.#mark(one);
    if (this.#refused.length === 0 || this.#onItsWay > 0 || this.#isStopped) return;
    const { lastIndex, hardState } = this.#options.log.group(this.#options.group);
    this.#lastIndex = lastIndex;
    this.#hardState = hardState;
    this.#waiting.unshift(...this.#refused);
    this.#refused = [];
    this.#next();
  }

  /**
   * What comes back from now on is not told any more. Resolves when nothing is on its way: only then may the group be
   * opened again.
   */
  stop(): Promise<void> {
    this.#isStopped = true;
    this.#waiting.length = 0;
    for (const { reject } of this.#refusedMarks.splice(0)) reject(hostFailure("STOPPED"));
    this.#settle();
    return this.#stopped.promise;
  }

  #settle(): void {
    if (this.#isStopped && this.#onItsWay === 0 && !this.#isInstalling) this.#stopped.resolve();
  }

  #next(): void {
    while (!this.#isInstalling && !this.#isStopped && this.#refused.length === 0 && this.#waiting.length > 0) {
      const work = this.#waiting[0]!;
      if (work.snapshot !== undefined && this.#onItsWay > 0) return;
      this.#waiting.shift();
      if (work.snapshot === undefined) this.#append(work);
      else this.#install(work, work.snapshot);
    }
  }

  #came(): void {
    this.#onItsWay--;
    this.#settle();
  }

  #mark(marks: RefusedMarks): void {
    const { records, resolve, reject } = marks;
    this.#onItsWay++;
    this.#options.log.append(records, (error) => {
      this.#came();
      if (error === undefined) resolve();
      else if (!hasCode(error, "LOG_FULL") || this.#isStopped) reject(error);
      else this.#refusedMarks.push(marks);
      this.#next();
    });
  }

  #append(work: Message): void {
    const { log, storage } = this.#options;
    const appends = this.#appendsOf(work.entries, this.#stateToWrite(work.hardState, work.entries.length > 0));
    if (appends.length === 0) {
      // What it waits for is on its way already, or on disk.
      if (this.#onItsWay > 0) this.#newest.push(...work.responses);
      else this.#options.release(work.responses);
      return;
    }
    const responses = [...work.responses];
    for (const [at, records] of appends.entries()) {
      const isLast = at === appends.length - 1;
      if (isLast) this.#newest = responses;
      this.#onItsWay++;
      log.append(records, (error) => {
        this.#came();
        if (hasCode(error, "LOG_FULL")) {
          if (isLast) this.#refused.push({ ...work, responses });
        } else if (error !== undefined) {
          this.#fail(error);
        } else if (isLast && !this.#isStopped) {
          storage.appended(work.entries);
          this.#options.release(responses);
        }
        this.#next();
      });
    }
  }

  #install(work: Message, snapshot: Snapshot): void {
    this.#isInstalling = true;
    this.#options.install(snapshot, work.hardState ?? this.#laterState).then(
      () => {
        this.#installed();
        this.#lastIndex = snapshot.index;
        this.#hardState = work.hardState ?? this.#hardState;
        this.#laterState = undefined;
        if (this.#isStopped) return;
        this.#options.storage.dropCache();
        // A snapshot that replaces the log comes without entries: what follows it is appended behind it.
        this.#append({ ...work, snapshot: undefined, hardState: undefined });
        this.#next();
      },
      (error: Error) => {
        this.#installed();
        this.#fail(error);
      },
    );
  }

  #installed(): void {
    this.#isInstalling = false;
    this.#settle();
  }

  /** What is to be written of the hard state; a commit index alone waits for the next entries. */
  #stateToWrite(hardState: HardState | undefined, hasEntries: boolean): HardState | undefined {
    const state = hardState ?? this.#laterState;
    if (state === undefined) return undefined;
    if (!hasEntries && this.#hardState !== undefined && differsInCommitOnly(state, this.#hardState)) {
      this.#laterState = state;
      return undefined;
    }
    this.#laterState = undefined;
    this.#hardState = state;
    return state;
  }

  /**
   * Each list is one append. Entries stand before the hard state that may commit them, and a change of membership behind
   * the commit of all that comes before it: a node that a crash left with the change, and without knowing that the one
   * before is decided, would stand for election with members that are two changes old.
   */
  #appendsOf(entries: readonly Entry[], state: HardState | undefined): RaftLogRecord[][] {
    const { group, log } = this.#options;
    const appends: RaftLogRecord[][] = [];
    let records: RaftLogRecord[] = [];
    if (entries.length > 0) {
      const first = entries[0]!.index;
      if (first <= this.#lastIndex) records.push({ kind: "truncateSuffix", group, fromIndex: first });
      this.#lastIndex = entries.at(-1)!.index;
    }
    for (let at = 0; at < entries.length; ) {
      const end = endOfRun(entries, at, log.recordBytesMax / 2);
      const run = entries.slice(at, end);
      const { index: firstIndex, term } = run[0]!;
      if (records.some(({ kind }) => kind === "entries")) {
        appends.push(records);
        records = [];
      }
      if (state !== undefined && isConfChange(run[0]!)) {
        records.push({ kind: "hardState", group, ...state, commit: Math.min(state.commit, firstIndex - 1) });
      }
      records.push({ kind: "entries", group, firstIndex, term, entries: run.map(toStored) });
      at = end;
    }
    if (state !== undefined) records.push({ kind: "hardState", group, ...state });
    if (records.length > 0) appends.push(records);
    return appends;
  }

  #fail(error: Error): void {
    if (this.#isStopped) return;
    void this.stop();
    this.#options.fail(error);
  }
}

interface RefusedMarks {
  readonly records: readonly RaftLogRecord[];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

function differsInCommitOnly(left: HardState, right: HardState): boolean {
  if (left.term !== right.term || left.vote !== right.vote) return false;
  return left.incarnation === right.incarnation && left.isLost === right.isLost;
}

/** Behind the last of the entries from `from` on that have one term and fit into one record; a change of membership begins one. */
function endOfRun(entries: readonly Entry[], from: number, bytesMax: number): number {
  const { term, data } = entries[from]!;
  let bytes = data.length + ENTRY_OVERHEAD_BYTES;
  let end = from + 1;
  for (; end < entries.length && entries[end]!.term === term; end++) {
    bytes += entries[end]!.data.length + ENTRY_OVERHEAD_BYTES;
    if (bytes > bytesMax || isConfChange(entries[end]!)) break;
  }
  return end;
}
