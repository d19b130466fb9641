import type { DiskFile } from "../../env/index.ts";
import { hasCode } from "../../std/errors.ts";
import type { SnapshotDisk } from "../storage/raft-storage.ts";
import type { SnapshotPiece } from "../transport/frame.ts";
import type { SnapshotName } from "./snapshot-folder.ts";

export const PIECE_BYTES: number = 256 * 1024;
/** Pieces that are asked for and not on disk yet. */
const WINDOW_PIECES = 4;

/** How far a snapshot has come that another node sends. */
export interface SnapshotProgress {
  readonly from: number;
  readonly receivedBytes: number;
  /** Undefined before the first piece is there. */
  readonly totalBytes: number | undefined;
}

export interface SnapshotPullOptions {
  readonly disk: SnapshotDisk;
  /** Of the file; what an earlier try has put there is kept. */
  readonly name: string;
  readonly snapshot: SnapshotName;
  readonly from: number;
  readonly retryTicks: number;
  readonly request: (offset: number) => void;
  /** All bytes are written. */
  readonly done: () => void;
  /** The sender no longer has it, or this node's disk refuses: whoever leads offers another one. */
  readonly failed: (error?: Error) => void;
}

/**
 * Fetches another node's snapshot, piece after piece, a few of them on their way at once. Whatever is lost is asked
 * for again from where the file ends, also after a break of hours or by another try.
 */
export class SnapshotPull {
  readonly #options: SnapshotPullOptions;
  #file: DiskFile | undefined;
  /** Bytes without a gap. */
  #received = 0;
  /** Pieces behind a gap, by offset: as many as are asked for at most. The sender reads several at once. */
  readonly #early = new Map<number, SnapshotPiece>();
  #written = 0;
  #requested = 0;
  #bytesTotal = Number.POSITIVE_INFINITY;
  #writing: Promise<void> = Promise.resolve();
  #idleTicks = 0;
  #isEnded = false;

  constructor(options: SnapshotPullOptions) {
    this.#options = options;
    this.#writing = this.#open();
  }

  get snapshot(): SnapshotName {
    return this.#options.snapshot;
  }

  get from(): number {
    return this.#options.from;
  }

  get progress(): SnapshotProgress {
    const totalBytes = Number.isFinite(this.#bytesTotal) ? this.#bytesTotal : undefined;
    return { from: this.from, receivedBytes: this.#received, totalBytes };
  }

  tick(): void {
    if (this.#file === undefined || this.#isEnded || ++this.#idleTicks < this.#options.retryTicks) return;
    this.#idleTicks = 0;
    this.#requested = this.#received;
    this.#ask();
  }

  take(piece: SnapshotPiece): void {
    const { index, term, offset, bytesTotal, bytes } = piece;
    const { snapshot, failed } = this.#options;
    if (this.#isEnded || this.#file === undefined || index !== snapshot.index || term !== snapshot.term) return;
    if (bytes.length === 0) {
      // Asked for before it was known where the end is.
      if (bytesTotal > this.#received || this.#received === this.#bytesTotal) return;
      // Another sender's file of the same snapshot may be a shorter one: what is here would not fit to it.
      this.#discard().then(() => failed(), failed);
      return;
    }
    if (offset < this.#received || offset >= this.#requested || offset + bytes.length > bytesTotal) return;
    this.#early.set(offset, piece);
    for (let next = this.#early.get(this.#received); next !== undefined; next = this.#early.get(this.#received)) {
      this.#early.delete(next.offset);
      this.#append(this.#file, next);
    }
  }

  #append(file: DiskFile, { offset, bytesTotal, bytes }: SnapshotPiece): void {
    this.#idleTicks = 0;
    this.#received += bytes.length;
    this.#bytesTotal = bytesTotal;
    this.#writing = this.#writing.then(async () => {
      if (this.#isEnded) return;
      await file.write(offset, [bytes]);
      this.#written = offset + bytes.length;
      this.#ask();
    });
    this.#writing.catch((error) => this.#fail(error));
    if (this.#received === bytesTotal) this.#finish();
  }

  /** Closes the file and leaves it as it is. */
  async end(): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    await this.#writing.catch(() => {});
    await this.#file?.close();
  }

  async #discard(): Promise<void> {
    await this.end();
    await this.#options.disk.remove(this.#options.name);
  }

  async #open(): Promise<void> {
    const { disk, name } = this.#options;
    const folder = name.slice(0, name.lastIndexOf("/"));
    try {
      await disk.makeDirectory(folder);
      this.#file = await disk.open(name, "write").catch((error) => {
        if (hasCode(error, "FILE_MISSING")) return disk.open(name, "create");
        throw error;
      });
      // Only whole pieces count, and the last one is asked for again: its answer says how long the whole is.
      this.#received = Math.max(0, Math.ceil((await this.#file.length()) / PIECE_BYTES) - 1) * PIECE_BYTES;
      this.#requested = this.#received;
      this.#written = this.#received;
      this.#ask();
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** A slow disk is not overtaken: the window opens as pieces are written. */
  #ask(): void {
    if (this.#isEnded) return;
    const end = Math.min(this.#bytesTotal, this.#written + WINDOW_PIECES * PIECE_BYTES);
    for (; this.#requested < end; this.#requested += PIECE_BYTES) {
      if (!this.#early.has(this.#requested)) this.#options.request(this.#requested);
    }
  }

  #finish(): void {
    const { done, failed } = this.#options;
    void this.#writing.then(
      () => {
        if (!this.#isEnded) this.end().then(done, failed);
      },
      () => {},
    );
  }

  #fail(error: Error): void {
    if (this.#isEnded) return;
    const { failed } = this.#options;
    this.end().then(
      () => failed(error),
      () => failed(error),
    );
  }
}
