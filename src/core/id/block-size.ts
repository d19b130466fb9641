export interface BlockSizeRule {
  /** What a block lasts at least, or the next one is twice as large. One that lasts twice as long or more is halved. */
  readonly lastsMillis: number;
  readonly sizeMax: number;
}

/** Leaf's. */
export const BLOCK_SIZE_RULE: BlockSizeRule = { lastsMillis: 15 * 60_000, sizeMax: 1_000_000 };

/**
 * The size of the next block, from that of the present one and how long ago it was fetched. `sizeMin` is what the source is
 * configured with: no size is halved to less.
 */
export function nextBlockSize(
  present: { readonly size: number; readonly sizeMin: number; readonly lastedMillis: number },
  { lastsMillis, sizeMax }: BlockSizeRule = BLOCK_SIZE_RULE,
): number {
  const { size, sizeMin, lastedMillis } = present;
  if (lastedMillis < lastsMillis) return size * 2 <= sizeMax ? size * 2 : size;
  const half = Math.floor(size / 2);
  return lastedMillis >= lastsMillis * 2 && half >= sizeMin ? half : size;
}
