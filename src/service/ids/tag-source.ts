// Where the numbers of one tag come from: its row, which counts them. A block belongs to who has moved the row's count on
// in a commit that checks that nobody else did meanwhile. What was read of the row is used again as long as that check
// holds, so that a change of the tag takes effect with the next block.
//
// A source is of one incarnation of its tag: once that is removed it has no more numbers, also where there is a new tag
// under the same name.

import { BLOCK_SIZE_RULE, type NumberBlock } from "../../core/id/index.ts";
import type { Random, Timers } from "../../env/index.ts";
import { type AshlarError, hasCode } from "../../std/errors.ts";
import type { Store } from "../../store/index.ts";
import { idsFailure } from "./errors.ts";
import { pause } from "./follow.ts";
import { IDS_LIMITS, NUMBER_END } from "./limits.ts";
import { decodeTag, encodeTag, type TagRecord, tagRow } from "./records.ts";
import type { IdsBugs } from "./seeded-bugs.ts";

export interface TagSourceParts {
  readonly store: Store;
  readonly timers: Timers;
  readonly random: Random;
  readonly bugs: IdsBugs;
}

interface KnownRow {
  readonly tag: TagRecord;
  readonly revision: number;
}

export class TagSource {
  readonly name: string;
  readonly #parts: TagSourceParts;
  readonly #stop = new AbortController();
  #known: KnownRow | undefined;
  /** The tag as it was first read. */
  #first: TagRecord | undefined;

  constructor(name: string, parts: TagSourceParts) {
    this.name = name;
    this.#parts = parts;
  }

  /** Rejects with TAG_MISSING. */
  async read(): Promise<TagRecord> {
    this.#known = await this.#read();
    return this.#known.tag;
  }

  /**
   * The next numbers, as many as `sizeOf` wants of the tag as it is. Rejects with TAG_MISSING, TAG_USED_UP, CONTENDED, and
   * with the Store's errors. Where a reply is lost its numbers may be lost too.
   */
  async take(sizeOf: (tag: TagRecord) => number): Promise<NumberBlock> {
    const { store, bugs } = this.#parts;
    for (let attempt = 0; attempt < IDS_LIMITS.orderedAttemptsMax && !this.#stop.signal.aborted; attempt++) {
      const { tag, revision } = this.#known ?? (await this.#read());
      const size = sizeOf(bugs.has("step-kept") ? this.#first! : tag);
      const first = tag.nextNumber;
      const blockSize = tag.order === "node" ? Math.min(size, BLOCK_SIZE_RULE.sizeMax) : 0;
      const counted = { ...tag, nextNumber: first + BigInt(size), blockSize };
      if (counted.nextNumber > NUMBER_END)
        throw idsFailure("TAG_USED_UP", { data: { tag: this.name, left: String(NUMBER_END - first) } });
      const address = tagRow(this.name);
      this.#known = undefined;
      try {
        const checks = bugs.has("count-unchecked") ? [] : [{ ...address, revision }];
        const outcome = await store.commit({ checks, puts: [{ ...address, value: encodeTag(counted) }] });
        if (outcome.committed) {
          this.#known = { tag: counted, revision: outcome.revision };
          return { first, size };
        }
        await this.#pause(attempt);
      } catch (error) {
        if (!hasCode(error, "OUTCOME_UNKNOWN")) throw error;
        if (bugs.has("adopt-unknown")) return { first, size };
      }
    }
    this.#stop.signal.throwIfAborted();
    throw idsFailure("CONTENDED", { data: { tag: this.name } });
  }

  /** As `take`, so many. */
  async draw(size: number): Promise<readonly NumberBlock[]> {
    return [await this.take(() => size)];
  }

  /** Nothing more is taken: who tries is told the reason. */
  stop(reason: AshlarError): void {
    this.#stop.abort(reason);
  }

  async #read(): Promise<KnownRow> {
    const { row } = await this.#parts.store.get(tagRow(this.name));
    const tag = row && decodeTag(row);
    if (tag === undefined || tag.isRemoved) throw tagMissing(this.name);
    this.#first ??= tag;
    if (tag.incarnation !== this.#first.incarnation) throw tagMissing(this.name);
    return { tag, revision: row!.revision };
  }

  /** Who has lost a race waits a random time, so that the same ones do not meet again and again. */
  async #pause(attempt: number): Promise<void> {
    const { timers, random } = this.#parts;
    const millisMax = Math.min(IDS_LIMITS.orderedPauseMillisMax, 2 ** attempt);
    const millis = Math.floor((random.u32() / 2 ** 32) * millisMax);
    if (millis > 0) await pause(timers, millis, this.#stop.signal);
  }
}

export function tagMissing(name: string): ReturnType<typeof idsFailure<"TAG_MISSING">> {
  return idsFailure("TAG_MISSING", { what: `There is no tag ${name}.`, data: { tag: name } });
}
