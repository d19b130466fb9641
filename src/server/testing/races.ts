import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Prng } from "../../std/prng.ts";
import { NoAnswer } from "../../testing/s3-client.ts";
import { bodyOf, writeOf } from "./bodies.ts";
import { isUnknown } from "./registers.ts";
import type { RoamingClient } from "./roaming-client.ts";

const CONTESTANTS = 5;
const ATTEMPTS_MAX = 100;

type Ended = "won" | "lost" | "unknown";

/** Several clients create an object at once, each if nobody else did (`If-None-Match: *`): one of them wins, and its object stays. */
export class Races {
  decided = 0;
  readonly #bucket: string;
  readonly #bytesMax: number;
  /** Which writes each object may be of, null for none. */
  readonly #outcomes = new Map<string, readonly (number | null)[]>();
  #writes = 0;

  constructor(bucket: string, bytesMax: number) {
    this.#bucket = bucket;
    this.#bytesMax = bytesMax;
  }

  async work(client: RoamingClient, prng: Prng, isOver: () => boolean): Promise<void> {
    for (; !isOver(); await sleep(prng.below(200))) await this.#run(client);
  }

  async verify(client: RoamingClient): Promise<void> {
    for (const [key, possible] of this.#outcomes) {
      const { status, body } = await client.call({ method: "GET", target: `/${this.#bucket}/${key}` });
      assert.ok(status === 200 || status === 404, `GET ${key}: ${status}`);
      const found = status === 404 ? null : writeOf(body, this.#bytesMax);
      assert.ok(possible.includes(found), `${key} is of ${found}, expected ${possible.join(" or ")}`);
    }
  }

  async #run(client: RoamingClient): Promise<void> {
    const key = `race-${this.#outcomes.size}`;
    const writes = Array.from({ length: CONTESTANTS }, () => ++this.#writes);
    const ends = await Promise.all(writes.map((write) => this.#create(client, key, write)));
    const having = (end: Ended): number[] => writes.filter((_, at) => ends[at] === end);
    const [winner, ...others] = having("won");
    const unknown = having("unknown");
    assert.deepEqual(others, [], `${key} has several winners`);
    if (unknown.length === 0) {
      assert.ok(winner !== undefined, `${key} has no winner`);
      this.decided++;
    }
    const nobody = having("lost").length === 0 ? [null] : [];
    this.#outcomes.set(key, winner === undefined ? [...unknown, ...nobody] : [winner]);
  }

  async #create(client: RoamingClient, key: string, write: number): Promise<Ended> {
    const body = bodyOf(write, this.#bytesMax);
    const call = { method: "PUT", target: `/${this.#bucket}/${key}`, headers: { "if-none-match": "*" }, body };
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      try {
        const answer = await client.call(call);
        if (answer.status === 200) return "won";
        if (answer.status === 412) return "lost";
        if (isUnknown(answer)) return "unknown";
        // Another one is at it: nothing was written, and nobody has won yet.
        assert.equal(answer.status, 409, `PUT ${key}`);
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
        return "unknown";
      }
      await sleep(20);
    }
    return assert.fail(`${key} is never decided`);
  }
}
