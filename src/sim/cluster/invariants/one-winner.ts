import { invariant } from "../../kernel/index.ts";

interface Race {
  readonly entrants: Set<string>;
  readonly winners: string[];
  losers: number;
}

/** Of those that put one key with `If-None-Match: *`, one wins: it is there at the end, and who lost was told because of it. */
export class OneWinner {
  readonly #races = new Map<string, Race>();

  get keys(): readonly string[] {
    return [...this.#races.keys()];
  }

  enters(key: string, body: string): void {
    const race = this.#races.get(key) ?? { entrants: new Set(), winners: [], losers: 0 };
    this.#races.set(key, race);
    race.entrants.add(body);
  }

  wins(key: string, body: string): void {
    const { winners } = this.#races.get(key)!;
    winners.push(body);
    invariant(winners.length === 1, "two puts with If-None-Match: * were acknowledged", () => `${key}: ${winners}`);
  }

  loses(key: string): void {
    this.#races.get(key)!.losers++;
  }

  /** What the key holds when all is over. */
  check(key: string, found: string | null): void {
    const { entrants, winners, losers } = this.#races.get(key)!;
    const [winner = found] = winners;
    invariant(winner === found, "the winner of a put with If-None-Match: * is not there", () => `${key}: ${found}`);
    invariant(found === null || entrants.has(found), "a key holds what nobody put there", () => `${key}: ${found}`);
    invariant(losers === 0 || found !== null, "a put lost with If-None-Match: *, and nothing had won", () => key);
  }
}
