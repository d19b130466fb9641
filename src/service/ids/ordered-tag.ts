// A tag whose numbers rise strictly over all nodes: each request is given numbers that its source counted after the request
// came, so that whoever asks after another was answered gets a greater one, wherever he asks. Nothing is held in advance.
// It costs a commit of the Store, or of another database; requests that come while one is under way share the next one.

import { BLOCK_SIZE_RULE, type NumberBlock } from "../../core/id/index.ts";
import { assert } from "../../std/assert.ts";
import type { AshlarError } from "../../std/errors.ts";
import { idsFailure } from "./errors.ts";
import { IDS_LIMITS } from "./limits.ts";
import type { IdsBugs } from "./seeded-bugs.ts";
import { emptyBuffer, type SegmentBuffer } from "./segment-buffer.ts";
import type { TagCounter, TagCounterStatus } from "./tag-counter.ts";

/** Where the numbers of one tag are counted. */
export interface OrderedSource {
  readonly name: string;
  /** So many numbers, ascending and nobody else's, that were not counted before it was asked. */
  draw(count: number): Promise<readonly NumberBlock[]>;
  /** Nothing more is drawn: who tries is told the reason. */
  stop(reason: AshlarError): void;
}

interface Request {
  readonly count: number;
  resolve(pieces: readonly NumberBlock[]): void;
  reject(error: unknown): void;
}

/** Of one commit of the Store. */
const NUMBERS_MAX = BLOCK_SIZE_RULE.sizeMax;

export class OrderedTag implements TagCounter {
  readonly #source: OrderedSource;
  readonly #bugs: IdsBugs;
  readonly #numbersMax: number;
  #requests: Request[] = [];
  #isCounting = false;
  #ended: AshlarError | undefined;
  #handedOut = 0;
  #fetches = 0;
  /** Tests only: what a bug has counted for requests that were not there yet. */
  #surplus: NumberBlock = { first: 0n, size: 0 };

  /** `numbersMax` at a time, where that is as many as one request may want. */
  constructor(source: OrderedSource, bugs: IdsBugs, numbersMax: number = NUMBERS_MAX) {
    this.#source = source;
    this.#bugs = bugs;
    this.#numbersMax = numbersMax;
  }

  take(count: number): Promise<readonly NumberBlock[]> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const { waitersMax } = IDS_LIMITS;
    if (this.#requests.length >= waitersMax)
      return Promise.reject(idsFailure("IDS_OVERLOADED", { data: { waitersMax } }));
    return new Promise((resolve, reject) => {
      this.#requests.push({ count, resolve, reject });
      if (!this.#isCounting) void this.#count();
    });
  }

  end(reason: AshlarError): void {
    this.#ended = reason;
    this.#source.stop(reason);
    for (const request of this.#requests.splice(0)) request.reject(reason);
  }

  get status(): TagCounterStatus {
    return {
      ...{ tag: this.#source.name, order: "global", blockSize: 0, available: 0 },
      ...{ handedOut: this.#handedOut, fetches: this.#fetches, waiting: this.#requests.length },
    };
  }

  /** It holds nothing in advance. */
  get buffer(): SegmentBuffer {
    return emptyBuffer(this.#source.name);
  }

  async #count(): Promise<void> {
    this.#isCounting = true;
    while (this.#requests.length > 0) {
      const batch = this.#nextBatch();
      const size = batch.reduce((sum, { count }) => sum + count, 0);
      try {
        const blocks = new Blocks(await this.#counted(size));
        this.#fetches++;
        for (const request of batch) request.resolve(blocks.take(request.count));
        this.#handedOut += size;
      } catch (error) {
        for (const request of batch) request.reject(error);
      }
    }
    this.#isCounting = false;
  }

  /** As many of those that wait as go into one commit: one at least. */
  #nextBatch(): Request[] {
    let sum = 0;
    const end = this.#requests.findIndex(({ count }) => (sum += count) > this.#numbersMax);
    return this.#requests.splice(0, end === -1 ? this.#requests.length : end);
  }

  async #counted(size: number): Promise<readonly NumberBlock[]> {
    if (!this.#bugs.has("serve-late")) return this.#source.draw(size);
    if (this.#surplus.size < size) this.#surplus = (await this.#source.draw(size * 4))[0]!;
    const { first } = this.#surplus;
    this.#surplus = { first: first + BigInt(size), size: this.#surplus.size - size };
    return [{ first, size }];
  }
}

/** What is dealt out to those who share a commit. */
class Blocks {
  readonly #blocks: readonly NumberBlock[];
  #at = 0;
  /** Numbers of the block there that were dealt out. */
  #used = 0;

  constructor(blocks: readonly NumberBlock[]) {
    this.#blocks = blocks;
  }

  take(count: number): NumberBlock[] {
    const pieces: NumberBlock[] = [];
    for (let missing = count; missing > 0; ) {
      const block = this.#blocks[this.#at];
      assert(block !== undefined, "as many numbers were counted as were wanted");
      const size = Math.min(missing, block.size - this.#used);
      pieces.push({ first: block.first + BigInt(this.#used), size });
      this.#used += size;
      missing -= size;
      if (this.#used < block.size) continue;
      this.#at++;
      this.#used = 0;
    }
    return pieces;
  }
}
