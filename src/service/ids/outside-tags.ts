// Tags that a sequence or a table in a user's own database counts, from which others draw at the same time. Nothing is held in
// advance: numbers come in the order in which they were asked for, whoever asks, and none is lost when a node stops. Where
// the database can not be reached, or might repeat itself, there are none.

import type { Clock } from "../../env/index.ts";
import type { AshlarError } from "../../std/errors.ts";
import type { Store } from "../../store/index.ts";
import { checkName, type Page, type PageRequest } from "./change.ts";
import { idsFailure } from "./errors.ts";
import { IDS_LIMITS } from "./limits.ts";
import { OrderedTag } from "./ordered-tag.ts";
import { OutsideDraws, type OutsideTag } from "./outside-draws.ts";
import { NO_IDS_BUGS } from "./seeded-bugs.ts";
import type { TagCounter } from "./tag-counter.ts";
import type { TagInfo } from "./tags.ts";

interface Held extends OutsideTag {
  readonly draws: OutsideDraws;
  readonly counter: TagCounter;
}

export class OutsideTags {
  readonly #held = new Map<string, Held>();
  readonly #sinceMillis: number;

  /** Throws NAME_INVALID. */
  constructor(tags: ReadonlyMap<string, OutsideTag>, store: Pick<Store, "get">, clock: Clock) {
    this.#sinceMillis = Math.max(0, clock.now());
    for (const [name, tag] of tags) {
      checkName(name);
      const draws = new OutsideDraws(name, tag, store);
      this.#held.set(name, { ...tag, draws, counter: new OrderedTag(draws, NO_IDS_BUGS, IDS_LIMITS.countMax) });
    }
  }

  /** Undefined for a tag of the Store. */
  counter(tag: string): TagCounter | undefined {
    return this.#held.get(tag)?.counter;
  }

  counters(): TagCounter[] {
    return [...this.#held.values()].map(({ counter }) => counter);
  }

  /** Throws TAG_OUTSIDE. */
  checkInside(tag: string): void {
    if (this.#held.has(tag)) throw idsFailure("TAG_OUTSIDE", { data: { tag } });
  }

  /** Undefined for a tag of the Store. Rejects with the errors of sequences. */
  async info(name: string): Promise<TagInfo | undefined> {
    const held = this.#held.get(name);
    if (held === undefined) return undefined;
    const { draws, description } = held;
    const nextNumber = await draws.next();
    return { name, order: "global", step: 1, nextNumber, description, updatedMillis: this.#sinceMillis };
  }

  /** The page of the Store's tags with these among them, by name. Rejects with the errors of sequences. */
  async merged({ entries, next }: Page<TagInfo>, { after, limit }: PageRequest): Promise<Page<TagInfo>> {
    const names = [...this.#held.keys()].filter(
      (name) => (after === undefined || name > after) && (next === undefined || name <= next),
    );
    const inside = entries.filter(({ name }) => !this.#held.has(name));
    const all = [...names, ...inside.map(({ name }) => name)].sort();
    const kept = all.slice(0, limit);
    const byName = new Map(inside.map((entry) => [entry.name, entry]));
    const infos = await Promise.all(kept.map(async (name) => byName.get(name) ?? (await this.info(name))!));
    return { entries: infos, next: kept.length < all.length ? kept.at(-1) : next };
  }

  end(reason: AshlarError): void {
    for (const { counter } of this.#held.values()) counter.end(reason);
  }
}
