import type { NumberBlock } from "../../core/id/index.ts";
import { assert } from "../../std/assert.ts";
import { AshlarError } from "../../std/errors.ts";
import type { Store } from "../../store/index.ts";
import { type IdsErrorCode, idsFailure } from "./errors.ts";
import { NUMBER_END } from "./limits.ts";
import type { OrderedSource } from "./ordered-tag.ts";
import { tagRow } from "./records.ts";

/** A count in a database that others draw from at the same time, by whatever driver. */
export interface NumberSource {
  /** So many numbers, ascending, that nobody else is given. Where it rejects, what it has drawn is nobody's. */
  draw(count: number): Promise<DrawnNumbers>;
  /** The least number that nobody has drawn so far. */
  next(): Promise<bigint>;
}

export interface DrawnNumbers {
  readonly numbers: readonly bigint[];
  /** All that are drawn later, by whoever, are greater. */
  readonly isOrdered: boolean;
}

export interface OutsideTag {
  readonly source: NumberSource;
  /** What people see of it. */
  readonly description: string;
  /** It gives no numbers any more, or gives some again: undefined. Called when that changes. */
  readonly onFailure?: (error: AshlarError | undefined) => void;
}

/** One tag's draws. What the source gives is looked at before anybody is given it. */
export class OutsideDraws implements OrderedSource {
  readonly name: string;
  readonly #tag: OutsideTag;
  readonly #store: Pick<Store, "get">;
  /** The tag has never counted in the Store. */
  #isNew = false;
  #greatest = -1n;
  #stopped: AshlarError | undefined;
  /** Of the last answer. */
  #failure: AshlarError | undefined;

  constructor(name: string, tag: OutsideTag, store: Pick<Store, "get">) {
    this.name = name;
    this.#tag = tag;
    this.#store = store;
  }

  /** Rejects with TAG_USED_UP, the errors of sequences, and the Store's, which is asked once. */
  async draw(count: number): Promise<readonly NumberBlock[]> {
    if (!this.#isNew) await this.#checkNew();
    if (this.#stopped !== undefined) throw this.#stopped;
    const { numbers, isOrdered } = await this.#asked(this.#tag.source.draw(count));
    assert(numbers.length === count, "a source draws as many numbers as it is asked for");
    const blocks = blocksOf(numbers);
    const [first, last] = [numbers[0]!, numbers.at(-1)!];
    if (first < 0n) throw this.#refused(`has given ${first}`);
    if (last >= NUMBER_END) throw idsFailure("TAG_USED_UP", { data: { tag: this.name } });
    if (isOrdered && first <= this.#greatest) throw this.#refused(`went back from ${this.#greatest} to ${first}`);
    if (last > this.#greatest) this.#greatest = last;
    return blocks;
  }

  /** Rejects with the errors of sequences. */
  next(): Promise<bigint> {
    return this.#asked(this.#tag.source.next());
  }

  stop(reason: AshlarError): void {
    this.#stopped = reason;
  }

  /** Its row would stay there for ever: numbers of a name never come twice. */
  async #checkNew(): Promise<void> {
    const { row } = await this.#store.get(tagRow(this.name));
    if (row !== undefined) throw this.#refused("has a tag whose numbers the Store has counted, now or before");
    this.#isNew = true;
  }

  #refused(why: string): AshlarError {
    return idsFailure("SEQUENCE_REFUSED", { what: `The tag ${this.name} ${why}.`, data: { tag: this.name } });
  }

  async #asked<T>(answer: Promise<T>): Promise<T> {
    try {
      const given = await answer;
      this.#tell(undefined);
      return given;
    } catch (cause) {
      if (!(cause instanceof AshlarError)) throw cause;
      this.#tell(cause);
      const { code, message: what, advice } = cause;
      const told = TOLD[code];
      const data = { tag: this.name };
      if (told === "SEQUENCE_DENIED") throw idsFailure(told, { what, data, cause });
      throw idsFailure(told ?? "SEQUENCE_UNAVAILABLE", { what, advice, data, cause });
    }
  }

  #tell(failure: AshlarError | undefined): void {
    const isNews = failure?.code !== this.#failure?.code;
    this.#failure = failure;
    if (isNews && this.#stopped === undefined) this.#tag.onFailure?.(failure);
  }
}

/** By the codes that drivers share. */
const TOLD: Readonly<Partial<Record<string, IdsErrorCode>>> = {
  OUT_OF_RANGE: "TAG_USED_UP",
  SEQUENCE_MISSING: "SEQUENCE_MISSING",
  SEQUENCE_UNFIT: "SEQUENCE_REFUSED",
  UNSAFE: "SEQUENCE_REFUSED",
  DENIED: "SEQUENCE_DENIED",
};

/** Others may have drawn some in between. Where they do not ascend a source is wrong, which is a bug. */
function blocksOf(numbers: readonly bigint[]): NumberBlock[] {
  const blocks: { first: bigint; size: number }[] = [];
  let end: bigint | undefined;
  for (const number of numbers) {
    assert(end === undefined || number >= end, "a source's numbers ascend");
    if (number === end) blocks.at(-1)!.size++;
    else blocks.push({ first: number, size: 1 });
    end = number + 1n;
  }
  return blocks;
}
