import { type Configuration, isMember, type Message, type Snapshot } from "../../core/raft/index.ts";
import { assert } from "../../std/assert.ts";
import { EMPTY } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import type { StateMachine } from "../state-machine.ts";
import type { RaftLog, RaftLogRecord } from "../storage/raft-log.ts";
import type { SnapshotPiece, SnapshotRequest } from "../transport/frame.ts";
import type { ServeBudget } from "./serve-budget.ts";
import { openSnapshotFile, proveSnapshotFile } from "./snapshot-file.ts";
import type { SnapshotFolder, StoredSnapshot } from "./snapshot-folder.ts";
import { PIECE_BYTES, type SnapshotProgress, SnapshotPull } from "./snapshot-pull.ts";

export interface SnapshotLimits {
  /**
   * A machine in memory makes a snapshot when the log behind the last one is longer than this, and than that
   * snapshot.
   */
  readonly logBytesMin: number;
  readonly retryTicks: number;
  /** A member that has asked for no piece for so long is taken not to want the snapshot any more. */
  readonly serveTicks: number;
}

export interface GroupSnapshotsOptions {
  readonly group: number;
  readonly log: RaftLog;
  readonly folder: SnapshotFolder;
  readonly machine: StateMachine<unknown>;
  /** What this node has already, newest first. */
  readonly stored: readonly StoredSnapshot[];
  readonly limits: SnapshotLimits;
  readonly configuration: () => Configuration;
  readonly request: (to: number, request: SnapshotRequest) => void;
  readonly piece: (to: number, piece: SnapshotPiece) => void;
  readonly serveBudget: ServeBudget;
  /** A snapshot that another node had offered is here. */
  readonly arrived: (message: Message) => void;
  /** A member will not get the snapshot that it was sent. */
  readonly refused: (to: number) => void;
  /** Something that waited for a snapshot may go on. */
  readonly wake: () => void;
  readonly failed: (error: Error) => void;
}

/** Requests that wait for the next tick; of more the pieces are asked for again. */
const DELAYED_MAX = 64;

interface Serving {
  readonly index: number;
  idleTicks: number;
}

/**
 * The snapshots of one group on one node: made, kept, handed to others in pieces, and fetched from others. Of a
 * machine in memory two are kept, and the log is given up only to the older one: either of them together with the log
 * gives all. A machine on disk has its own; one of it is made when a member asks, and goes when none does.
 */
export class GroupSnapshots {
  readonly #options: GroupSnapshotsOptions;
  /** Newest first. */
  #stored: readonly StoredSnapshot[] = [];
  #making: Promise<void> | undefined;
  #pausedTicks = 0;
  readonly #serving = new Map<number, Serving>();
  /** Whether a file is still what was written; it is read anew for each member that is told of it. */
  readonly #proofs = new WeakMap<StoredSnapshot, Promise<boolean>>();
  #delayed: (readonly [number, SnapshotRequest])[] = [];
  #pull: SnapshotPull | undefined;
  #offer: Message | undefined;
  /** Fetched, proved, and not installed yet. */
  #adopted: readonly StoredSnapshot[] = [];
  #adopting: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: GroupSnapshotsOptions) {
    this.#options = options;
    this.#stored = options.stored;
  }

  /** Of one that another node sends; undefined while none does. */
  get incoming(): SnapshotProgress | undefined {
    return this.#pull?.progress;
  }

  /** For the core: what a member gets that needs what the log no longer has. */
  current(): Snapshot | undefined {
    const newest = this.#stored[0];
    const { log, group, configuration } = this.#options;
    const isUsable = newest !== undefined && newest.index >= log.group(group).firstIndex - 1;
    const isNewEnough = isUsable && allAreMembers(configuration(), newest.configuration);
    if (!isNewEnough) this.make();
    if (!isUsable) return undefined;
    const { index, term } = newest;
    return { index, term, configuration: newest.configuration, data: EMPTY };
  }

  /** After entries were applied. */
  check(): void {
    const { log, group, limits, machine } = this.#options;
    if (machine.isDurable === true || machine.capture === undefined) return;
    const newestBytes = this.#stored[0]?.bytes ?? 0;
    if (log.group(group).entryBytes > Math.max(limits.logBytesMin, newestBytes) * (this.#stored.length < 2 ? 1 : 2)) {
      this.make();
    }
  }

  /** Begins to make one of the present state, unless one is being made or the disk refused lately. */
  make(): void {
    const { machine, failed, wake } = this.#options;
    if (this.#making !== undefined || this.#pausedTicks > 0 || this.#isStopped || machine.capture === undefined) return;
    if (this.#stored[0]?.index === machine.appliedIndex) return;
    this.#making = this.#make().then(
      () => {
        this.#making = undefined;
        wake();
      },
      (error: Error) => {
        this.#making = undefined;
        this.#pausedTicks = this.#options.limits.retryTicks;
        if (!this.#isStopped) failed(error);
      },
    );
  }

  tick(): void {
    if (this.#pausedTicks > 0) this.#pausedTicks--;
    this.#pull?.tick();
    for (const [from, request] of this.#delayed.splice(0)) void this.serve(from, request);
    for (const [to, serving] of this.#serving) {
      if (++serving.idleTicks < this.#options.limits.serveTicks) continue;
      this.#serving.delete(to);
      this.#options.refused(to);
    }
  }

  /** The core has sent a member the news of a snapshot. */
  offered(to: number, { index }: Snapshot): void {
    this.#serving.set(to, { index, idleTicks: 0 });
    const stored = this.#stored.find((one) => one.index === index);
    if (stored !== undefined) this.#proofs.delete(stored);
  }

  /** Sends the piece that another node has asked for, in this tick or a later one. */
  async serve(from: number, request: SnapshotRequest): Promise<void> {
    const serving = this.#serving.get(from);
    if (serving !== undefined) serving.idleTicks = 0;
    if (this.#options.serveBudget.take(PIECE_BYTES)) {
      await this.#serve(from, request).catch((error) => this.#isStopped || this.#options.failed(error));
    } else if (this.#delayed.length < DELAYED_MAX) {
      this.#delayed.push([from, request]);
    }
  }

  async #serve(from: number, request: SnapshotRequest): Promise<void> {
    const { folder, piece } = this.#options;
    const stored = this.#stored.find(({ index, term }) => index === request.index && term === request.term);
    if (stored === undefined || !(await this.#isSound(stored))) {
      if (this.#isStopped) return;
      piece(from, { ...request, bytesTotal: 0, bytes: EMPTY });
      return;
    }
    const file = await folder.disk.open(stored.name, "read");
    try {
      const bytes = await file.read(request.offset, PIECE_BYTES);
      // Who asks beyond the end holds the beginning of another file: nothing of it can be used.
      const bytesTotal = await file.length();
      if (!this.#isStopped) piece(from, { ...request, bytesTotal, bytes });
    } finally {
      await file.close();
    }
  }

  #isSound(stored: StoredSnapshot): Promise<boolean> {
    let proof = this.#proofs.get(stored);
    if (proof === undefined) this.#proofs.set(stored, (proof = this.#prove(stored)));
    return proof;
  }

  /** A file that has rotted is given to nobody, nor relied on here: another one is made of the present state. */
  async #prove(stored: StoredSnapshot): Promise<boolean> {
    const { folder, failed, refused } = this.#options;
    try {
      await proveSnapshotFile(folder.disk, stored.name);
      return true;
    } catch (error) {
      if (!hasCode(error, "SNAPSHOT_DAMAGED") && !hasCode(error, "FILE_MISSING")) {
        this.#proofs.delete(stored);
        throw error;
      }
      if (this.#isStopped) return false;
      this.#stored = this.#stored.filter((one) => one !== stored);
      failed(error as Error);
      this.make();
      for (const [to, { index }] of this.#serving) {
        if (index !== stored.index) continue;
        this.#serving.delete(to);
        refused(to);
      }
      return false;
    }
  }

  /** Another node has a snapshot for this one: fetches it, then hands the message on. */
  fetch(message: Message): void {
    const { folder, request, limits, group, failed } = this.#options;
    const { index, term } = message.snapshot!;
    this.#offer = message;
    if (this.#pull?.from === message.from && this.#pull.snapshot.index === index && this.#pull.snapshot.term === term)
      return;
    this.#pull?.end().catch(failed);
    const pull = new SnapshotPull({
      disk: folder.disk,
      name: folder.incomingNameOf({ index, term }),
      snapshot: { index, term },
      from: message.from,
      retryTicks: limits.retryTicks,
      request: (offset) => request(message.from, { group, index, term, offset }),
      done: () => {
        this.#adopting = this.#adopt(pull);
      },
      failed: (error) => {
        if (this.#pull === pull) this.#pull = undefined;
        if (error !== undefined) failed(error);
      },
    });
    this.#pull = pull;
  }

  taken(from: number, piece: SnapshotPiece): void {
    if (this.#pull?.from === from) this.#pull.take(piece);
  }

  /**
   * Makes a fetched snapshot this node's own: its file is there, then come the log's marks, then the machine's state. A
   * crash in between leaves the old state and log, or the new ones with the file to restore from.
   */
  async install(snapshot: Snapshot, mark: () => Promise<void>): Promise<void> {
    const { folder, machine } = this.#options;
    assert(machine.restore !== undefined, "a machine that takes snapshots can restore them");
    // What this node makes of the old state must not take the place of the new one.
    await this.#making;
    const { index, term } = snapshot;
    const stored = this.#adopted.find((one) => one.index === index && one.term === term);
    assert(stored !== undefined, "a snapshot is fetched before the core takes it");
    // From the marks on the log goes on from this file alone: so it is there, and whole at its beginning, before them.
    const { source } = await openSnapshotFile(folder.disk, stored.name);
    try {
      await mark();
      await machine.restore(source, index);
    } finally {
      source.cancel();
    }
    assert(machine.appliedIndex === index, "a restored machine is where its snapshot is");
    this.#stored = machine.isDurable === true ? [] : [stored];
    this.#adopted = this.#adopted.filter((one) => one.index > index);
    await this.#removeOthers();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#pull?.end();
    await this.#adopting;
    await this.#making;
  }

  /** What came is proved before the core hears of it: of a damaged file nothing has happened, and it is fetched again. */
  async #adopt(pull: SnapshotPull): Promise<void> {
    const { folder, arrived, failed } = this.#options;
    try {
      const stored = await folder.adopt(pull.snapshot);
      if (this.#pull !== pull || this.#isStopped) return;
      this.#pull = undefined;
      this.#adopted = [stored, ...this.#adopted];
      arrived(this.#offer!);
    } catch (error) {
      if (this.#pull === pull) this.#pull = undefined;
      if (!this.#isStopped) failed(error as Error);
    }
  }

  async #make(): Promise<void> {
    const { machine, log, group, configuration, folder } = this.#options;
    const index = machine.appliedIndex;
    const term = log.group(group).termOf(index);
    assert(term !== undefined && machine.capture !== undefined, "what is applied is in the log");
    const head = { group, index, term, configuration: configuration() };
    const capture = machine.capture();
    let stored: StoredSnapshot;
    try {
      stored = await folder.write(head, capture.read());
    } finally {
      capture.close();
    }
    // Meanwhile another node's may have been installed.
    if ((this.#stored[0]?.index ?? 0) >= index || log.group(group).compaction.index > index) return;
    if (machine.isDurable === true) {
      this.#stored = [stored, ...this.#stored.filter((one) => this.#isServed(one))];
    } else {
      const older = this.#stored[0];
      await appended(log, [{ kind: "snapshot", group, index, term, note: EMPTY }]);
      this.#stored = older === undefined ? [stored] : [stored, older];
      if (older !== undefined) await compactLog(log, group, older.index);
    }
    await this.#removeOthers();
  }

  #removeOthers(): Promise<void> {
    return this.#options.folder.removeOthers(() => ({
      kept: [...this.#stored, ...this.#adopted],
      ...(this.#pull !== undefined && { incoming: this.#pull.snapshot }),
    }));
  }

  #isServed({ index }: StoredSnapshot): boolean {
    return [...this.#serving.values()].some((serving) => serving.index === index);
  }
}

/** Entries up to the index are not needed any more; segments that nobody needs go. */
export async function compactLog(log: RaftLog, group: number, index: number): Promise<void> {
  const state = log.group(group);
  const term = state.termOf(index);
  if (term === undefined || index <= state.compaction.index) return;
  await appended(log, [{ kind: "compaction", group, index, term }]);
  await log.release();
}

export function appended(log: RaftLog, records: readonly RaftLogRecord[]): Promise<void> {
  return new Promise((resolve, reject) => {
    log.append(records, (error) => (error === undefined ? resolve() : reject(error)));
  });
}

function allAreMembers(now: Configuration, then: Configuration): boolean {
  return [...now.voters, ...now.learners].every((id) => isMember(then, id));
}
