import type { NumberBlock } from "../../core/id/index.ts";

/** One of the two blocks that a node holds of a tag. */
export interface HeldBlock {
  /** The next number that is handed out of it; `end` where it is used up. */
  readonly value: bigint;
  /** Behind its last number. */
  readonly end: bigint;
  readonly size: number;
}

/** The double buffer of a tag on this node, as Leaf shows it. */
export interface SegmentBuffer {
  readonly tag: string;
  /** A block has been fetched. */
  readonly isReady: boolean;
  readonly isNextReady: boolean;
  /** Which of the two is in use. */
  readonly position: 0 | 1;
  readonly blocks: readonly [HeldBlock, HeldBlock];
}

const NO_BLOCK: HeldBlock = { value: 0n, end: 0n, size: 0 };

export function emptyBuffer(tag: string): SegmentBuffer {
  return { tag, isReady: false, isNextReady: false, position: 0, blocks: [NO_BLOCK, NO_BLOCK] };
}

/**
 * The buffer after so many fetches, of which these were the last two, the older one first, where so many numbers are
 * left. Blocks take turns in the two places.
 */
export function bufferOf(
  tag: string,
  { fetches, last, available }: { fetches: number; last: readonly NumberBlock[]; available: number },
): SegmentBuffer {
  const newest = last.at(-1);
  if (newest === undefined) return emptyBuffer(tag);
  const older = last.length > 1 ? last[0] : undefined;
  const isNextReady = older !== undefined && available >= newest.size;
  const newestAt = (fetches - 1) % 2;
  const newestHeld = heldOf(newest, Math.min(available, newest.size));
  const olderHeld = older === undefined ? NO_BLOCK : heldOf(older, Math.max(0, available - newest.size));
  const position = (isNextReady ? 1 - newestAt : newestAt) as 0 | 1;
  const blocks = newestAt === 0 ? ([newestHeld, olderHeld] as const) : ([olderHeld, newestHeld] as const);
  return { tag, isReady: true, isNextReady, position, blocks };
}

function heldOf({ first, size }: NumberBlock, rest: number): HeldBlock {
  return { value: first + BigInt(size - rest), end: first + BigInt(size), size };
}
