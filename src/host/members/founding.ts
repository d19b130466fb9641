import { hostFailure } from "../errors.ts";
import type { Holding } from "../transport/frame.ts";

/** A group begins, or this node had been one of its members and has lost what it held. */
export type FoundingResult = "founded" | "lost";

export interface FoundingOptions {
  readonly others: readonly number[];
  readonly tell: (to: number, holding: Holding) => void;
}

/**
 * How a group of several members begins. An empty disk alone does not say whether the group is new or the disk was
 * lost; so the founders meet: each begins once all others have told it that they hold nothing, or no more than the
 * foundation. Had it ever given a vote or acknowledged an entry that somebody counted on, one of them would hold
 * more. Whoever hears that another does comes back as a member that lost its disk. It takes all founders, at the
 * first start only.
 */
export class Founding {
  readonly #options: FoundingOptions;
  readonly #result = Promise.withResolvers<FoundingResult>();
  readonly #met = new Set<number>();

  constructor(options: FoundingOptions) {
    this.#options = options;
  }

  get result(): Promise<FoundingResult> {
    return this.#result.promise;
  }

  get missing(): readonly number[] {
    return this.#options.others.filter((id) => !this.#met.has(id));
  }

  /** The host ends before it is decided. */
  stop(): void {
    this.#result.reject(hostFailure("STOPPED"));
  }

  /** Until it is decided, again and again. */
  tell(): void {
    for (const id of this.#options.others) this.#options.tell(id, "nothing");
  }

  heard(from: number, holding: Holding): void {
    if (!this.#options.others.includes(from)) return;
    if (holding === "something") {
      this.#result.resolve("lost");
      return;
    }
    this.#met.add(from);
    if (this.missing.length === 0) this.#result.resolve("founded");
  }
}
