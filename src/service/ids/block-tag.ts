// A tag whose numbers each node hands out of blocks of its own: Leaf's segment mode. Two blocks are held, so that where they
// come from may be away for as long as a block lasts; their size follows from how long they last. Numbers rise on each node,
// not over all of them.

import { BLOCK_SIZE_RULE, BlockCounter, type NumberBlock, nextBlockSize } from "../../core/id/index.ts";
import type { Clock } from "../../env/index.ts";
import { AshlarError } from "../../std/errors.ts";
import { IDS_LIMITS } from "./limits.ts";
import type { TagCounts } from "./meter.ts";
import type { IdsBugs } from "./seeded-bugs.ts";
import { bufferOf, type SegmentBuffer } from "./segment-buffer.ts";
import type { TagCounter, TagCounterStatus } from "./tag-counter.ts";
import { Waiters } from "./waiters.ts";

/** Where the blocks of one tag come from. */
export interface BlockSource {
  readonly name: string;
  /** The next numbers, as many as `sizeOf` wants by what the source says of the tag, or another count. */
  take(sizeOf: (tag: BlockTuning) => number): Promise<NumberBlock>;
  /** Nothing more is taken: who tries is told the reason. */
  stop(reason: AshlarError): void;
}

export interface BlockTuning {
  /** Of a block at least. */
  readonly step: number;
  /** Of the last block that any node fetched, so that one which starts need not begin with the step; 0: not known. */
  readonly blockSize: number;
}

/** Blocks that come before the size is tuned: until then nothing tells how long one lasts. */
const FETCHES_UNTUNED = 2;

export class BlockTag implements TagCounter {
  readonly #source: BlockSource;
  readonly #clock: Clock;
  readonly #bugs: IdsBugs;
  readonly #counts: Pick<TagCounts, "waits" | "fetches">;
  readonly #waiters: Waiters;
  readonly #blocks = new BlockCounter();
  #fetch: Promise<void> | undefined;
  #fetches = 0;
  #blockSize = 0;
  /** The last two, the older one first. */
  #last: readonly NumberBlock[] = [];
  /** Monotonic. */
  #fetchedMillis = 0;
  /** No fetch in the background before it. */
  #pausedUntilMillis = 0;
  #handedOut = 0;
  #ended: AshlarError | undefined;

  constructor(
    source: BlockSource,
    clock: Clock,
    bugs: IdsBugs,
    counts: Pick<TagCounts, "waits" | "fetches"> = { waits: 0, fetches: 0 },
  ) {
    this.#counts = counts;
    this.#source = source;
    this.#clock = clock;
    this.#waiters = new Waiters(clock);
    this.#bugs = bugs;
  }

  async take(count: number): Promise<readonly NumberBlock[]> {
    if (this.#ended !== undefined) throw this.#ended;
    if (this.#waiters.count > 0 || this.#blocks.available < count) {
      this.#counts.waits++;
      return this.#waiters.inTurn(() => this.#takeInPieces(count));
    }
    const pieces = this.#hand(count);
    this.#fetchAhead();
    return pieces;
  }

  end(reason: AshlarError): void {
    if (this.#bugs.has("keep-removed")) return;
    this.#ended = reason;
    this.#source.stop(reason);
  }

  get status(): TagCounterStatus {
    return {
      ...{ tag: this.#source.name, order: "node", blockSize: this.#blockSize, available: this.#blocks.available },
      ...{ handedOut: this.#handedOut, fetches: this.#fetches, waiting: this.#waiters.count },
    };
  }

  get buffer(): SegmentBuffer {
    const { name } = this.#source;
    return bufferOf(name, { fetches: this.#fetches, last: this.#last, available: this.#blocks.available });
  }

  /** What it has taken when a fetch fails is given to nobody else. */
  async #takeInPieces(count: number): Promise<readonly NumberBlock[]> {
    const pieces: NumberBlock[] = [];
    for (let missing = count; ; await this.#fetched(missing)) {
      if (this.#ended !== undefined) throw this.#ended;
      const ready = Math.min(missing, this.#blocks.available);
      if (ready > 0) pieces.push(...this.#hand(ready));
      missing -= ready;
      if (missing === 0) break;
    }
    this.#fetchAhead();
    return pieces;
  }

  #hand(count: number): NumberBlock[] {
    this.#handedOut += count;
    return this.#blocks.nextRange(count);
  }

  #fetchAhead(): void {
    if (!this.#blocks.wantsBlock || this.#clock.monotonic() < this.#pausedUntilMillis) return;
    this.#fetched(0).catch((error) => {
      if (!(error instanceof AshlarError)) throw error;
      this.#pausedUntilMillis = this.#clock.monotonic() + IDS_LIMITS.renewalPauseMillis;
    });
  }

  /** One at a time. */
  #fetched(missing: number): Promise<void> {
    this.#fetch ??= this.#fetchBlock(missing).finally(() => {
      this.#fetch = undefined;
    });
    return this.#fetch;
  }

  async #fetchBlock(missing: number): Promise<void> {
    this.#blocks.fetching();
    try {
      const { first, size } = await this.#source.take((tag) => this.#sizeOf(tag, missing));
      this.#blocks.add({ first, size });
      this.#fetches++;
      this.#counts.fetches++;
      this.#blockSize = size;
      this.#fetchedMillis = this.#clock.monotonic();
      this.#last = [...this.#last.slice(-1), { first, size }];
    } catch (error) {
      this.#blocks.fetchFailed();
      throw error;
    }
  }

  /** Leaf's rule, with the step as it is in the row now; a batch that needs more gets it. A start goes on with the last size. */
  #sizeOf({ step, blockSize }: BlockTuning, missing: number): number {
    const lastedMillis = this.#clock.monotonic() - this.#fetchedMillis;
    const isTuned = this.#fetches >= FETCHES_UNTUNED;
    const tuned = isTuned ? nextBlockSize({ size: this.#blockSize, sizeMin: step, lastedMillis }) : blockSize;
    return Math.max(Math.min(tuned, BLOCK_SIZE_RULE.sizeMax), step, missing);
  }
}
