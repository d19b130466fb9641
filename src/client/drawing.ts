// Ids of one tag or generator, drawn for many calls at once. Calls of one turn, and those that come while a request is under
// way, go together in the next request, in their order. So
//
//   - what a call is given was asked for after the call was made: a tag that is ordered over all nodes stays so;
//   - an id of an answer belongs to one call, by its place. One that has been given up takes its ids with it;
//   - a request may be made again: what an earlier attempt drew is lost, and nobody has it.

import type { Clock } from "../env/index.ts";
import { hasCode } from "../std/errors.ts";
import { Attempts, type Caller } from "./caller.ts";
import { clientFailure } from "./errors.ts";
import type { OpenCall, OpenCalls } from "./open-calls.ts";

export interface Draw extends OpenCall {
  readonly drawing: Drawing;
  readonly count: number;
  /** Its ids are those from `at` on. */
  readonly give: (ids: readonly bigint[], at: number) => void;
  readonly reject: (reason: unknown) => void;
}

export interface DrawingParts {
  readonly caller: Caller;
  readonly clock: Clock;
  readonly open: OpenCalls<Draw>;
}

/** Of a request of several calls: so that a turn in which their ids are given out is no long one. */
const IDS_MAX = 10_000;

/** The request under way. */
interface Batch {
  readonly draws: readonly Draw[];
  /** Draws that are not given up. */
  open: number;
  readonly attempts: Attempts;
  readonly stop: AbortController;
}

export class Drawing {
  readonly #path: string;
  readonly #parts: DrawingParts;
  readonly #idle: () => void;
  #waiting = new Set<Draw>();
  #batch: Batch | undefined;
  #isRunning = false;
  /** Less than IDS_MAX while the server can not make so many at once. */
  #idsMax = IDS_MAX;

  /** `idle` is called when nobody waits any more. */
  constructor(path: string, parts: DrawingParts, idle: () => void) {
    this.#path = path;
    this.#parts = parts;
    this.#idle = idle;
  }

  add(draw: Draw): void {
    this.#waiting.add(draw);
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#run();
  }

  /** It is over by its time or its signal. Where its server has failed meanwhile, that says more than that time is over. */
  giveUp(draw: Draw, reason: unknown): void {
    const batch = this.#waiting.delete(draw) ? undefined : this.#batch!;
    const failure = hasCode(reason, "DEADLINE_EXCEEDED") ? batch?.attempts.last : undefined;
    draw.reject(failure ?? reason);
    if (batch !== undefined && --batch.open === 0) batch.stop.abort(reason);
  }

  async #run(): Promise<void> {
    // Whatever is called in this turn goes into the first request.
    await undefined;
    while (this.#waiting.size > 0) await this.#drawFor(this.#nextDraws());
    this.#isRunning = false;
    this.#idle();
  }

  /** As many of those that wait as go into one request: one at least. */
  #nextDraws(): readonly Draw[] {
    const draws: Draw[] = [];
    let count = 0;
    for (const draw of this.#waiting) {
      count += draw.count;
      if (draws.length > 0 && count > this.#idsMax) break;
      draws.push(draw);
      this.#waiting.delete(draw);
    }
    return draws;
  }

  async #drawFor(draws: readonly Draw[]): Promise<void> {
    const { open } = this.#parts;
    const count = draws.reduce((sum, draw) => sum + draw.count, 0);
    const batch = { draws, open: draws.length, attempts: new Attempts(), stop: new AbortController() };
    this.#batch = batch;
    try {
      const ids = await this.#request(count, batch);
      this.#idsMax = Math.min(IDS_MAX, this.#idsMax * 2);
      let at = 0;
      for (const draw of draws) {
        if (open.delete(draw)) draw.give(ids, at);
        at += draw.count;
      }
    } catch (error) {
      if (isTooMany(error) && draws.length > 1) this.#takeBack(draws, count);
      else this.#refuse(draws, error);
    } finally {
      this.#batch = undefined;
    }
  }

  async #request(count: number, { draws, attempts, stop }: Batch): Promise<readonly bigint[]> {
    const { caller, clock } = this.#parts;
    const endMillis = draws.reduce((latest, draw) => Math.max(latest, draw.endMillis), 0);
    const options = { timeoutMillis: endMillis - clock.monotonic(), signal: stop.signal };
    const call = { method: "POST", path: this.#path, query: { count } } as const;
    return idsOf(await caller.call(call, "reads", options, attempts), count);
  }

  #refuse(draws: readonly Draw[], error: unknown): void {
    const [{ count }] = draws as [Draw];
    // Who wants as many of a tag that has not even these need not ask.
    const others = hasCode(error, "TAG_USED_UP") ? [...this.#waiting].filter((draw) => draw.count >= count) : [];
    for (const draw of [...draws, ...others]) {
      this.#waiting.delete(draw);
      if (this.#parts.open.delete(draw)) draw.reject(error);
    }
  }

  /** What can not be made in one request may be in smaller ones: they wait again, before all others. */
  #takeBack(draws: readonly Draw[], count: number): void {
    const { open } = this.#parts;
    this.#idsMax = Math.max(1, Math.floor(Math.min(count, this.#idsMax) / 2));
    this.#waiting = new Set([...draws.filter((draw) => open.has(draw)), ...this.#waiting]);
  }
}

/** More than the generator's time or the tag's numbers allow for one request. */
function isTooMany(error: unknown): boolean {
  return hasCode(error, "UNIT_FULL") || hasCode(error, "TAG_USED_UP");
}

const DIGITS = /^\d+$/;

/** Throws REPLY_UNREADABLE for anything but so many ids: a wrong one would be worse than none. */
function idsOf(reply: unknown, count: number): readonly bigint[] {
  const { ids } = (reply ?? {}) as { readonly ids?: unknown };
  if (!Array.isArray(ids) || ids.length !== count)
    throw clientFailure("REPLY_UNREADABLE", { what: `The answer does not have the ${count} ids that were asked for.` });
  return ids.map((text) => {
    if (typeof text === "string" && DIGITS.test(text)) return BigInt(text);
    throw clientFailure("REPLY_UNREADABLE", { what: "The answer has an id that is no number.", data: { id: text } });
  });
}
