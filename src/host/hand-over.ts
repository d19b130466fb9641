import type { RaftStatus } from "../core/raft/index.ts";

/** Enough for an election without a timeout; a member that can not win it in that time does not hold up whoever closes. */
const TICKS_MAX = 5;

/** A leader that closes lets another member lead first, so that the group does not wait for an election timeout. */
export class HandOver {
  readonly #done: PromiseWithResolvers<void> = Promise.withResolvers<void>();
  #ticks = 0;

  /** Resolves when another member has been heard to stand for election, or a few ticks have passed. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  tick(): void {
    if (++this.#ticks >= TICKS_MAX) this.#done.resolve();
  }

  end(): void {
    this.#done.resolve();
  }
}

/** The voter that lacks least of those that were heard of lately; 0 where there is none. */
export function successorOf({ id, configuration, progress }: RaftStatus): number {
  let best: { readonly id: number; readonly match: number } = { id: 0, match: -1 };
  for (const one of progress) {
    const mayLead = one.id !== id && configuration.voters.includes(one.id) && !one.isWitness && !one.isLost;
    if (mayLead && one.recentActive && one.match > best.match) best = one;
  }
  return best.id;
}
