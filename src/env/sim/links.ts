import type { Prng } from "../../std/prng.ts";

/** One side of a link: the number or the name of a node. */
export type Endpoint = number | string;

/** What may go wrong on a link, one way. A chance is drawn for each message, or each segment of a stream. */
export interface LinkFaults {
  readonly delayMillisMin: number;
  readonly delayMillisMax: number;
  /** A datagram is lost; a segment of a stream is sent again, later. */
  readonly lossChance: number;
  /** A datagram arrives twice. */
  readonly duplicateChance: number;
  /** A datagram is late, and those behind it overtake it; in a stream all behind the late segment wait. */
  readonly stallChance: number;
  readonly stallMillisMax: number;
  /** A connection is reset in the middle of a segment. */
  readonly resetChance: number;
}

export const LINK_DEFAULTS: LinkFaults = {
  delayMillisMin: 0.1,
  delayMillisMax: 0.5,
  lossChance: 0,
  duplicateChance: 0,
  stallChance: 0,
  stallMillisMax: 0,
  resetChance: 0,
};

/** One direction between two endpoints. It lives as long as the network. */
export interface Link {
  readonly from: Endpoint;
  readonly to: Endpoint;
  /** What the trace calls it. */
  readonly label: string;
  /** Nothing passes, and what is on its way does not arrive. */
  readonly isCut: boolean;
  readonly faults: LinkFaults;
}

interface OwnLink extends Link {
  isCut: boolean;
  faults: LinkFaults;
  own: Partial<LinkFaults> | undefined;
}

/**
 * The links of a simulated network: from each endpoint to each other one, as good or bad as their faults say. Both
 * change while the simulation runs. Draws come from one seeded source, in the order of events, and only for faults
 * that have a chance: a link with constant delay and no faults draws nothing.
 */
export class SimLinks {
  readonly #prng: Prng;
  readonly #links = new Map<Endpoint, Map<Endpoint, OwnLink>>();
  readonly #isolated = new Set<Endpoint>();
  #faults: LinkFaults;

  constructor(prng: Prng, faults: Partial<LinkFaults> = {}) {
    this.#prng = prng;
    this.#faults = { ...LINK_DEFAULTS, ...faults };
  }

  /** The link itself, for who uses it often. */
  link(from: Endpoint, to: Endpoint): Link {
    return this.#link(from, to);
  }

  /** Changes all links, but for faults that a link has of its own. */
  setFaults(faults: Partial<LinkFaults>): void {
    this.#faults = { ...this.#faults, ...faults };
    for (const link of this.#all()) link.faults = { ...this.#faults, ...link.own };
  }

  /** Gives one link faults of its own, in place of those that it had. */
  setLinkFaults(from: Endpoint, to: Endpoint, faults: Partial<LinkFaults>): void {
    const link = this.#link(from, to);
    link.own = faults;
    link.faults = { ...this.#faults, ...faults };
  }

  /** One way only: the other endpoint is still heard. */
  cut(from: Endpoint, to: Endpoint): void {
    this.#link(from, to).isCut = true;
  }

  mend(from: Endpoint, to: Endpoint): void {
    this.#link(from, to).isCut = this.#isolated.has(from) || this.#isolated.has(to);
  }

  /** Both ways to everybody, known or not. The endpoint still reaches itself. */
  isolate(id: Endpoint): void {
    this.#isolated.add(id);
    for (const link of this.#all()) if (isBeside(link, id)) link.isCut = true;
  }

  /** Endpoints of one group reach each other only; who is in no group keeps the links that he has. */
  partition(groups: readonly (readonly Endpoint[])[]): void {
    for (const group of groups) {
      for (const other of groups) {
        if (group === other) continue;
        for (const from of group) for (const to of other) this.cut(from, to);
      }
    }
  }

  /** Mends every link and takes away the faults that single links have; those of all links stay. */
  heal(): void {
    this.#isolated.clear();
    for (const link of this.#all()) {
      link.isCut = false;
      link.own = undefined;
      link.faults = this.#faults;
    }
  }

  drawDelayMillis({ faults }: Link): number {
    const { delayMillisMin, delayMillisMax } = faults;
    if (delayMillisMin === delayMillisMax) return delayMillisMin;
    return delayMillisMin + this.#prng.unit() * (delayMillisMax - delayMillisMin);
  }

  /** How much later than its delay a message comes: mostly 0. */
  drawStallMillis({ faults }: Link): number {
    return this.#happens(faults.stallChance) ? this.#prng.unit() * faults.stallMillisMax : 0;
  }

  drawLoss({ faults }: Link): boolean {
    return this.#happens(faults.lossChance);
  }

  drawDuplicate({ faults }: Link): boolean {
    return this.#happens(faults.duplicateChance);
  }

  drawReset({ faults }: Link): boolean {
    return this.#happens(faults.resetChance);
  }

  #happens(chance: number): boolean {
    return chance > 0 && this.#prng.chance(chance);
  }

  #link(from: Endpoint, to: Endpoint): OwnLink {
    let links = this.#links.get(from);
    if (links === undefined) {
      links = new Map();
      this.#links.set(from, links);
    }
    let link = links.get(to);
    if (link === undefined) {
      link = { from, to, label: `${from} to ${to}`, isCut: false, faults: this.#faults, own: undefined };
      link.isCut = [...this.#isolated].some((id) => isBeside(link!, id));
      links.set(to, link);
    }
    return link;
  }

  *#all(): Generator<OwnLink, void, void> {
    for (const links of this.#links.values()) yield* links.values();
  }
}

/** Leads to the endpoint or away from it. */
function isBeside({ from, to }: Link, id: Endpoint): boolean {
  return from !== to && (from === id || to === id);
}
