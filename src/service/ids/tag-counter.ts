import type { NumberBlock } from "../../core/id/index.ts";
import type { AshlarError } from "../../std/errors.ts";
import type { TagOrder } from "./records.ts";
import type { SegmentBuffer } from "./segment-buffer.ts";

/** One tag on this node. */
export interface TagCounter {
  /** So many numbers, in pieces that ascend, each number once. */
  take(count: number): Promise<readonly NumberBlock[]>;
  /** The tag is gone: nothing more is handed out, and callers are told the reason. */
  end(reason: AshlarError): void;
  readonly status: TagCounterStatus;
  readonly buffer: SegmentBuffer;
}

export interface TagCounterStatus {
  readonly tag: string;
  readonly order: TagOrder;
  /** Of the last block that was fetched; 0 where none is held. */
  readonly blockSize: number;
  /** Numbers that can be handed out without asking the Store. */
  readonly available: number;
  /** Since the node holds the tag. */
  readonly handedOut: number;
  readonly fetches: number;
  readonly waiting: number;
}
