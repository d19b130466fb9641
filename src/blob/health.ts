import { hasCode } from "../std/errors.ts";
import { blobFailure } from "./errors.ts";

/**
 * Whether volumes may still be written. After a failed write or sync nobody knows what the disk holds: everything that
 * waits is rejected, nothing more is taken, and the node must stop. A full disk is not such a failure while it says so
 * before a sync.
 */
export class Health {
  readonly #onFatal: (error: Error) => void;
  #failure: Error | undefined;
  #closing = false;

  constructor(onFatal: (error: Error) => void) {
    this.#onFatal = onFatal;
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** True once the node stops for whatever reason: background work ends at its next step. */
  get stopping(): boolean {
    return this.#closing || this.failed;
  }

  /** Throws after a failure; what was taken before a clean stop still goes on. */
  checkWritable(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Throws where nothing more is taken. */
  check(): void {
    this.checkWritable();
    if (this.#closing) throw blobFailure("BLOBS_CLOSED");
  }

  fail(cause: unknown): Error {
    if (this.#failure === undefined) {
      this.#failure = blobFailure("BLOBS_FAILED", { cause });
      this.#onFatal(this.#failure);
    }
    return this.#failure;
  }

  close(): void {
    this.#closing = true;
  }
}

export function isDiskFull(error: unknown): boolean {
  return hasCode(error, "DISK_FULL");
}
