import { assert } from "../../std/assert.ts";
import type { Endpoint, Link, SimLinks } from "./links.ts";
import type { SimProcess } from "./process.ts";
import type { SimScheduler } from "./scheduler.ts";

export interface SimDatagramOptions {
  /** What may be on its way from one endpoint to another, each datagram counted with `OVERHEAD_BYTES`. */
  readonly queueBytesMax: number;
}

export const SIM_DATAGRAM_DEFAULTS: SimDatagramOptions = { queueBytesMax: 16 * 1024 * 1024 };

export const OVERHEAD_BYTES = 64;
/** How much of a datagram its fingerprint takes in. */
const FINGERPRINT_BYTES = 128;

export interface SimDatagramCounts {
  sent: number;
  delivered: number;
  duplicated: number;
  /** By chance, by a cut, or because nobody was there. */
  lost: number;
  /** Refused, since too much was on its way. */
  refused: number;
}

interface Receiver {
  readonly process: SimProcess | undefined;
  receive(from: Endpoint, bytes: Uint8Array): void;
}

/** What is on its way over one link, and what has arrived and waits for a process that stands still. */
interface Lane {
  readonly link: Link;
  lastArrivalMillis: number;
  flyingBytes: number;
  waitingBytes: number;
  /** Whose `waitingBytes` these are: with a process ends what waited for it. */
  waitingFor: Receiver | undefined;
}

/**
 * Whole frames between endpoints of a simulated network. Those of one link arrive in the order in which they were sent,
 * but for stalls and duplicates. Bytes are handed over as they are: nobody changes them once they are sent.
 */
export class SimDatagrams {
  readonly counts: SimDatagramCounts = { sent: 0, delivered: 0, duplicated: 0, lost: 0, refused: 0 };
  readonly #scheduler: SimScheduler;
  readonly #links: SimLinks;
  readonly #queueBytesMax: number;
  readonly #receivers = new Map<Endpoint, Receiver>();
  readonly #lanes = new Map<Endpoint, Map<Endpoint, Lane>>();

  constructor(scheduler: SimScheduler, links: SimLinks, options: Partial<SimDatagramOptions> = {}) {
    this.#scheduler = scheduler;
    this.#links = links;
    this.#queueBytesMax = options.queueBytesMax ?? SIM_DATAGRAM_DEFAULTS.queueBytesMax;
  }

  /** From now on, in place of who was there before. With a process: while that lives, and not while it stands still. */
  attach(id: Endpoint, receive: (from: Endpoint, bytes: Uint8Array) => void, process?: SimProcess): void {
    this.#receivers.set(id, { process, receive });
  }

  detach(id: Endpoint): void {
    this.#receivers.delete(id);
  }

  /** False where too much is on its way already. Whatever else may happen to the datagram, its sender does not learn. */
  send(from: Endpoint, to: Endpoint, bytes: Uint8Array): boolean {
    const lane = this.#lane(from, to);
    if (this.#queuedBytes(lane) + bytes.length + OVERHEAD_BYTES > this.#queueBytesMax) {
      this.counts.refused++;
      return false;
    }
    this.counts.sent++;
    if (lane.link.isCut || this.#links.drawLoss(lane.link)) {
      this.counts.lost++;
      return true;
    }
    const fingerprint = fingerprintOf(bytes);
    this.#carry(lane, bytes, fingerprint);
    if (this.#links.drawDuplicate(lane.link)) {
      this.counts.duplicated++;
      this.#carry(lane, bytes, fingerprint);
    }
    return true;
  }

  #carry(lane: Lane, bytes: Uint8Array, fingerprint: number): void {
    const { link } = lane;
    let timeMillis = this.#scheduler.nowMillis + this.#links.drawDelayMillis(link);
    const stallMillis = this.#links.drawStallMillis(link);
    if (stallMillis > 0) timeMillis += stallMillis;
    else lane.lastArrivalMillis = timeMillis = Math.max(timeMillis, lane.lastArrivalMillis);
    lane.flyingBytes += bytes.length + OVERHEAD_BYTES;
    this.#scheduler.at(timeMillis, link.label, () => this.#arrive(lane, bytes, fingerprint), fingerprint);
  }

  #queuedBytes(lane: Lane): number {
    if (lane.waitingBytes === 0) return lane.flyingBytes;
    const isWaiting = isAlive(lane.waitingFor) && lane.waitingFor === this.#receivers.get(lane.link.to);
    return isWaiting ? lane.flyingBytes + lane.waitingBytes : lane.flyingBytes;
  }

  #arrive(lane: Lane, bytes: Uint8Array, fingerprint: number): void {
    const { link } = lane;
    const receiver = this.#receivers.get(link.to);
    const size = bytes.length + OVERHEAD_BYTES;
    lane.flyingBytes -= size;
    if (link.isCut || receiver === undefined || !isAlive(receiver)) {
      this.counts.lost++;
      return;
    }
    if (lane.waitingFor !== receiver) {
      lane.waitingFor = receiver;
      lane.waitingBytes = 0;
    }
    lane.waitingBytes += size;
    const deliver = (): void => {
      if (lane.waitingFor === receiver) lane.waitingBytes -= size;
      if (this.#receivers.get(link.to) !== receiver) {
        this.counts.lost++;
        return;
      }
      assert(fingerprintOf(bytes) === fingerprint, "a datagram does not change once it is sent");
      this.counts.delivered++;
      receiver.receive(link.from, bytes);
    };
    if (receiver.process === undefined) deliver();
    else receiver.process.receive(link.label, deliver);
  }

  #lane(from: Endpoint, to: Endpoint): Lane {
    let lanes = this.#lanes.get(from);
    if (lanes === undefined) {
      lanes = new Map();
      this.#lanes.set(from, lanes);
    }
    let lane = lanes.get(to);
    if (lane === undefined) {
      const link = this.#links.link(from, to);
      lane = { link, lastArrivalMillis: 0, flyingBytes: 0, waitingBytes: 0, waitingFor: undefined };
      lanes.set(to, lane);
    }
    return lane;
  }
}

function isAlive(receiver: Receiver | undefined): boolean {
  return receiver !== undefined && receiver.process?.isAlive !== false;
}

/** FNV-1a over the length, the beginning and the end: the trace tells datagrams apart by it. */
function fingerprintOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5 ^ bytes.length;
  const half = FINGERPRINT_BYTES >> 1;
  const head = Math.min(bytes.length, half);
  for (let at = 0; at < head; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  for (let at = Math.max(head, bytes.length - half); at < bytes.length; at++) {
    hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  }
  return hash >>> 0;
}
