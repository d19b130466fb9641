import type { Timer } from "../env.ts";
import type { Link, SimLinks } from "./links.ts";
import type { SimScheduler } from "./scheduler.ts";

/** How long a sender waits for an answer before it sends again: doubled each time, up to the longest. */
const RETRY_MILLIS_MIN = 200;
const RETRY_MILLIS_MAX = 3_200;
const LOSSES_MAX = 8;

/** What goes from one end of a connection to the other, in order. */
export type PipeItem =
  | { readonly kind: "opened" }
  | { readonly kind: "data"; readonly bytes: Uint8Array }
  /** The receiving process has taken so many bytes: the sender's window opens. */
  | { readonly kind: "taken"; readonly count: number }
  | { readonly kind: "ended" }
  | { readonly kind: "reset" };

interface Flying {
  readonly item: PipeItem;
  arrivesMillis: number;
}

export interface PipeOptions {
  readonly scheduler: SimScheduler;
  readonly links: SimLinks;
  readonly link: Link;
  /** How long something is sent again and again before the connection is given up. */
  readonly silenceMillisMax: number;
  /** Whether the machine at the far end has power. */
  readonly isUp: () => boolean;
  readonly arrived: (item: PipeItem) => void;
  readonly givenUp: (item: PipeItem) => void;
}

/**
 * One direction of a connection: everything arrives, in order, or nothing does any more. What a link loses is sent again
 * and holds up all that is behind it; so does a cut, until it is mended or the connection is given up.
 */
export class SimPipe {
  readonly #options: PipeOptions;
  readonly #flying: Flying[] = [];
  #lastArrivalMillis = 0;
  #blockedSinceMillis: number | undefined;
  #retryMillis = RETRY_MILLIS_MIN;
  #planned: Timer | undefined;

  constructor(options: PipeOptions) {
    this.#options = options;
  }

  push(item: PipeItem): void {
    const { scheduler, links, link } = this.#options;
    let arrivesMillis = scheduler.nowMillis + links.drawDelayMillis(link) + links.drawStallMillis(link);
    for (let losses = 0; losses < LOSSES_MAX && links.drawLoss(link); losses++) {
      arrivesMillis += RETRY_MILLIS_MIN * 2 ** losses;
    }
    this.#lastArrivalMillis = Math.max(this.#lastArrivalMillis, arrivesMillis);
    this.#flying.push({ item, arrivesMillis: this.#lastArrivalMillis });
    if (this.#flying.length === 1) this.#plan(this.#lastArrivalMillis);
  }

  /** What is on its way does not arrive, and is not sent again. */
  drop(): void {
    this.#planned?.cancel();
    this.#flying.length = 0;
    this.#blockedSinceMillis = undefined;
    this.#retryMillis = RETRY_MILLIS_MIN;
  }

  #plan(timeMillis: number): void {
    const { scheduler, link } = this.#options;
    const { item } = this.#flying[0]!;
    const detail = item.kind === "data" ? item.bytes.length : item.kind.length;
    const atMillis = Math.max(timeMillis, scheduler.nowMillis);
    this.#planned = scheduler.at(atMillis, link.label, () => this.#arrive(), detail);
  }

  #arrive(): void {
    const first = this.#flying[0]!;
    const { scheduler, link, silenceMillisMax, isUp, arrived, givenUp } = this.#options;
    if (link.isCut || !isUp()) {
      this.#blockedSinceMillis ??= scheduler.nowMillis;
      if (scheduler.nowMillis - this.#blockedSinceMillis >= silenceMillisMax) {
        this.drop();
        givenUp(first.item);
        return;
      }
      this.#plan(scheduler.nowMillis + this.#retryMillis);
      this.#retryMillis = Math.min(this.#retryMillis * 2, RETRY_MILLIS_MAX);
      return;
    }
    this.#blockedSinceMillis = undefined;
    this.#retryMillis = RETRY_MILLIS_MIN;
    this.#flying.shift();
    if (this.#flying.length > 0) this.#plan(this.#flying[0]!.arrivesMillis);
    arrived(first.item);
  }
}
