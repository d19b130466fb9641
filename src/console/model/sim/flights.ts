import { decodeMessage, encodeMessage, type Message, MessageType } from "../../../core/raft/index.ts";
import type { Link, SimLinks, SimScheduler } from "../../../env/sim/in-browser.ts";
import { FLIGHTS_MAX, TIMING } from "./timing.ts";

/** One message on its way, or what is left to be seen of one that got lost. */
export interface Flight {
  readonly sequence: number;
  readonly from: number;
  readonly to: number;
  readonly type: MessageType;
  readonly term: number;
  readonly isRejection: boolean;
  readonly entries: number;
  readonly sentMillis: number;
  readonly arrivalMillis: number;
  /** It gets no further than it is at this moment. */
  readonly lostMillis: number | undefined;
}

interface OwnFlight extends Flight {
  lostMillis: number | undefined;
}

export interface FlightHooks {
  /** False where nobody takes it. */
  deliver(message: Message): boolean;
  /** So much later than it was lost, the sender's transport knows. */
  lost(message: Message): void;
}

/**
 * Messages between nodes, in the bytes that production sends. Those of one direction keep their order, as they do over TCP; a cut loses
 * what is on its way.
 */
export class Flights {
  readonly #scheduler: SimScheduler;
  readonly #links: SimLinks;
  readonly #hooks: FlightHooks;
  readonly #flights = new Map<number, OwnFlight>();
  readonly #lastArrivals = new Map<Link, number>();
  #sent = 0;
  #delivered = 0;
  #lost = 0;

  constructor(scheduler: SimScheduler, links: SimLinks, hooks: FlightHooks) {
    this.#scheduler = scheduler;
    this.#links = links;
    this.#hooks = hooks;
  }

  /** In the order in which they were sent. */
  get all(): IterableIterator<Flight> {
    return this.#flights.values();
  }

  get counts(): { readonly sent: number; readonly delivered: number; readonly lost: number; readonly flying: number } {
    return { sent: this.#sent, delivered: this.#delivered, lost: this.#lost, flying: this.#flights.size };
  }

  send(message: Message): void {
    this.#sent++;
    const link = this.#links.link(message.from, message.to);
    const now = this.#scheduler.nowMillis;
    const isFull = this.#flights.size >= FLIGHTS_MAX;
    if (link.isCut || isFull) {
      this.#lose(message);
      return;
    }
    const delayMillis = Math.round(this.#links.drawDelayMillis(link));
    const isLost = this.#links.drawLoss(link);
    const arrivalMillis = Math.max(now + delayMillis, this.#lastArrivals.get(link) ?? 0);
    this.#lastArrivals.set(link, arrivalMillis);
    const flight: OwnFlight = {
      ...{ sequence: this.#sent, from: message.from, to: message.to, type: message.type, term: message.term },
      ...{ isRejection: message.reject, entries: message.entries.length },
      ...{ sentMillis: now, arrivalMillis, lostMillis: isLost ? Math.round((now + arrivalMillis) / 2) : undefined },
    };
    this.#flights.set(flight.sequence, flight);
    const bytes = encodeMessage(message);
    const detail = (message.type + 32 * message.term + 8192 * bytes.length) >>> 0;
    this.#scheduler.at(arrivalMillis, link.label, () => this.#arrive(flight, bytes), detail);
  }

  /** What is on its way there is lost. */
  cut(from: number, to: number): void {
    for (const flight of this.#flights.values()) {
      if (flight.from !== from || flight.to !== to) continue;
      flight.lostMillis = Math.min(flight.lostMillis ?? Number.POSITIVE_INFINITY, this.#scheduler.nowMillis);
    }
  }

  #arrive(flight: OwnFlight, bytes: Uint8Array): void {
    this.#flights.delete(flight.sequence);
    const message = decodeMessage(bytes);
    if (flight.lostMillis === undefined && this.#hooks.deliver(message)) this.#delivered++;
    else this.#lose(message);
  }

  #lose(message: Message): void {
    this.#lost++;
    if (message.type !== MessageType.append && message.type !== MessageType.snapshot) return;
    this.#scheduler.after(TIMING.noticeMillis, "lost", () => this.#hooks.lost(message));
  }
}
