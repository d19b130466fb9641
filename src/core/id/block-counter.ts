import { assert } from "../../std/assert.ts";
import { DecimalRun } from "./decimal-run.ts";
import { idFailure } from "./errors.ts";

export interface NumberBlock {
  readonly first: bigint;
  readonly size: number;
}

/**
 * Numbers that increase strictly, from blocks that a source hands out: a row that counts in a database, a counter in a
 * replicated group. Two blocks are held, the one in use and the next one, so that the source may be away for as long as a
 * block lasts. The owner drives it:
 *
 *     if (counter.wantsBlock) { counter.fetching(); fetch().then((block) => counter.add(block), () => counter.fetchFailed()) }
 *
 * Numbers between blocks, and those of blocks that are lost with a process, are never given out.
 */
export class BlockCounter {
  /** The next block is wanted once less than this share of the present one is left. */
  readonly #restShare: number;
  #size = 0;
  /** Numbers of the block in use that have been given out. */
  #used = 0;
  #first = 0n;
  #next: NumberBlock | undefined;
  /** Beyond all blocks so far. */
  #end: bigint;
  #isFetching = false;
  readonly #decimals = new DecimalRun();

  /** `above`: numbers up to this one have been given out before, in another life of the counter. */
  constructor(options: { readonly restShare?: number; readonly above?: bigint } = {}) {
    const { restShare = 0.9, above = -1n } = options;
    assert(restShare >= 0 && restShare <= 1, "the rest that makes a counter want a block is a share");
    this.#restShare = restShare;
    this.#end = above + 1n;
  }

  /** Throws BLOCK_SPENT where the block is used up and the next one has not come. */
  next(): bigint {
    // It may turn to the next block.
    const offset = this.#take();
    return this.#first + BigInt(offset);
  }

  /** The decimal digits. */
  nextText(): string {
    const offset = this.#take();
    return this.#decimals.text(offset);
  }

  /** So many, whole or not at all, in one or two pieces. */
  nextRange(count: number): NumberBlock[] {
    assert(Number.isSafeInteger(count) && count > 0, "a range has at least one number");
    if (count > this.available) throw idFailure("BLOCK_SPENT", { data: { count, available: this.available } });
    const pieces: NumberBlock[] = [];
    for (let missing = count; missing > 0; ) {
      if (this.#used === this.#size) this.#turn();
      const size = Math.min(missing, this.#size - this.#used);
      pieces.push({ first: this.#first + BigInt(this.#used), size });
      this.#used += size;
      missing -= size;
    }
    return pieces;
  }

  get available(): number {
    return this.#size - this.#used + (this.#next?.size ?? 0);
  }

  get wantsBlock(): boolean {
    return !this.#isFetching && this.#next === undefined && this.#size - this.#used <= this.#restShare * this.#size;
  }

  /** The owner has asked the source; no other block is wanted meanwhile. */
  fetching(): void {
    this.#isFetching = true;
  }

  /** The owner has got none. */
  fetchFailed(): void {
    this.#isFetching = false;
  }

  /** Throws BLOCK_STALE and takes nothing where the block does not lie above all others: the numbers would not increase. */
  add(block: NumberBlock): void {
    assert(Number.isSafeInteger(block.size) && block.size > 0, "a block has at least one number");
    assert(this.#next === undefined, "a block comes only where one is wanted");
    this.#isFetching = false;
    if (block.first < this.#end)
      throw idFailure("BLOCK_STALE", { data: { first: String(block.first), end: String(this.#end) } });
    this.#end = block.first + BigInt(block.size);
    this.#next = block;
  }

  #take(): number {
    if (this.#used === this.#size) this.#turn();
    return this.#used++;
  }

  #turn(): void {
    if (this.#next === undefined) throw idFailure("BLOCK_SPENT");
    this.#first = this.#next.first;
    this.#size = this.#next.size;
    this.#used = 0;
    this.#next = undefined;
    this.#decimals.set(this.#first);
  }
}
