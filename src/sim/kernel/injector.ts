import { LINK_DEFAULTS, type LinkFaults, SIM_DISK_DEFAULTS, type SimDisk } from "../../env/sim/index.ts";
import { assert } from "../../std/assert.ts";
import { type FaultEvent, type FaultKind, whatText } from "./faults.ts";
import type { SimNode } from "./node.ts";
import type { World } from "./world.ts";

/** A link one way: `from * NODES_MAX + to`. */
const NODES_MAX = 1_024;
/** Of more than one node. */
const NETWORK_KINDS: ReadonlySet<FaultKind> = new Set([
  "rolling-restart",
  "partition",
  "isolate",
  "slow-link",
  "bad-network",
]);

/**
 * Lets the faults of a schedule happen, each for its time. Faults of one kind overlap: what two of them cut is whole
 * again only when both are over.
 */
export class Injector {
  readonly #world: World;
  readonly #permits: (fault: FaultEvent) => boolean;
  readonly #network: Partial<LinkFaults>;
  readonly #cuts = new Map<number, number>();
  readonly #slow = new Map<number, number>();
  readonly #noise = new Set<number>();
  readonly #undo = new Set<() => void>();
  #isOver = false;
  /** Faults that happened, and those that were passed over because the cluster would not have survived them. */
  played = 0;
  passedOver = 0;

  constructor(world: World, network: Partial<LinkFaults>, permits: (fault: FaultEvent) => boolean) {
    this.#world = world;
    this.#network = network;
    this.#permits = permits;
  }

  plan(events: readonly FaultEvent[]): void {
    for (const event of events) this.#world.after(event.atMillis, `fault ${event.kind}`, () => this.#play(event));
  }

  /** The faults are over: all that lasts ends, and those still planned do not happen. */
  heal(): void {
    this.#isOver = true;
    for (const undo of [...this.#undo]) undo();
    this.#world.links.heal();
    this.#world.links.setFaults({ ...LINK_DEFAULTS, delayMillisMin: 0.2, delayMillisMax: 1 });
    for (const node of this.#world.nodes) {
      node.machine.disk.change({ delayMillis: SIM_DISK_DEFAULTS.delayMillis });
      node.resume();
      if (node.starts > 0) node.start();
    }
  }

  #play(event: FaultEvent): void {
    if (this.#isOver) return;
    // Of nodes that have not joined there is nothing to break.
    const node = this.#world.nodes[event.node - 1];
    const isPossible = node !== undefined && node.starts > 0 && this.#permits(event);
    this.#world.scheduler.trace(`fault ${event.id} ${isPossible}`);
    if (!isPossible) {
      this.passedOver++;
      return;
    }
    this.played++;
    this.#world.trace("-", "fault", () => `#${event.id} ${whatText(event)}`);
    const undo = NETWORK_KINDS.has(event.kind) ? this.#breakNetwork(event) : this.#breakNode(event, node);
    if (undo !== undefined) this.#during(event, undo);
  }

  /** Returns what ends the fault, where it does not end by itself. */
  #breakNode(event: FaultEvent, node: SimNode): (() => void) | undefined {
    const { durationMillis, amount } = event;
    const { disk, clock } = node.machine;
    switch (event.kind) {
      case "crash":
        this.#down(node, durationMillis, () => node.crash());
        return undefined;
      case "kill":
        this.#down(node, durationMillis, () => node.kill());
        return undefined;
      case "lost-disk":
        this.#down(node, durationMillis, () => node.loseDisk());
        return undefined;
      case "pause":
        node.pause(durationMillis);
        return undefined;
      case "failed-sync":
        disk.failNext("sync");
        return undefined;
      case "bit-rot":
        disk.rotAt(event.place);
        return undefined;
      case "clock-jump":
        clock.jump(Math.round(amount));
        return undefined;
      case "clock-drift":
        clock.setDrift(amount);
        return () => clock.setDrift(0);
      case "full-disk":
        disk.change({ bytesMax: disk.bytesUsed });
        return () => disk.change({ bytesMax: SIM_DISK_DEFAULTS.bytesMax });
      case "slow-disk":
        slowDown(disk, amount);
        return () => slowDown(disk, -amount);
      default:
        return undefined;
    }
  }

  #breakNetwork(event: FaultEvent): (() => void) | undefined {
    switch (event.kind) {
      case "rolling-restart":
        this.#rollingRestart(event.durationMillis, event.amount);
        return undefined;
      case "slow-link":
        this.#slowLink(linkOf(event.node, event.peer), event.amount);
        return () => this.#slowLink(linkOf(event.node, event.peer), -event.amount);
      case "bad-network":
        this.#noise.add(event.amount);
        this.#applyNoise();
        return () => {
          this.#noise.delete(event.amount);
          this.#applyNoise();
        };
      default: {
        const links = this.#linksAcross(event);
        for (const link of links) this.#changeCuts(link, 1);
        return () => {
          for (const link of links) this.#changeCuts(link, -1);
        };
      }
    }
  }

  #down(node: SimNode, millis: number, end: () => void): void {
    if (!node.isUp) return;
    end();
    node.startAfter(millis);
  }

  #rollingRestart(downMillis: number, gapMillis: number): void {
    const { nodes } = this.#world;
    let atMillis = 0;
    for (const node of nodes.filter(({ starts }) => starts > 0)) {
      this.#world.after(atMillis, "fault rolling-restart", () => {
        if (!this.#isOver) this.#down(node, downMillis, () => node.kill());
      });
      atMillis += downMillis + gapMillis;
    }
  }

  #linksAcross(event: FaultEvent): readonly number[] {
    const inside = event.kind === "isolate" ? [event.node] : event.side;
    const outside = this.#world.nodes.map(({ id }) => id).filter((id) => !inside.includes(id));
    const links: number[] = [];
    for (const from of inside) {
      for (const to of outside) {
        if (event.direction !== "in") links.push(linkOf(from, to));
        if (event.direction !== "out") links.push(linkOf(to, from));
      }
    }
    return links;
  }

  #changeCuts(link: number, change: number): void {
    const count = (this.#cuts.get(link) ?? 0) + change;
    assert(count >= 0, "a link is mended as often as it was cut");
    this.#cuts.set(link, count);
    const { links } = this.#world;
    if (count === 0) links.mend(...endsOf(link));
    else links.cut(...endsOf(link));
  }

  #slowLink(link: number, millis: number): void {
    const slower = (this.#slow.get(link) ?? 0) + millis;
    this.#slow.set(link, slower);
    const { delayMillisMin, delayMillisMax } = { ...LINK_DEFAULTS, ...this.#network };
    const faults = { delayMillisMin: delayMillisMin + slower, delayMillisMax: delayMillisMax + slower };
    // Sums of such numbers do not come back to 0 to the last bit.
    this.#world.links.setLinkFaults(...endsOf(link), slower < 0.001 ? {} : faults);
  }

  #applyNoise(): void {
    const chance = Math.max(0, ...this.#noise) / 100;
    const { lossChance, duplicateChance, stallChance, stallMillisMax } = { ...LINK_DEFAULTS, ...this.#network };
    this.#world.links.setFaults({
      lossChance: Math.max(lossChance, chance),
      duplicateChance: Math.max(duplicateChance, chance),
      stallChance: Math.max(stallChance, chance),
      stallMillisMax: chance > 0 ? Math.max(stallMillisMax, 300) : stallMillisMax,
    });
  }

  #during(event: FaultEvent, undo: () => void): void {
    const end = (): void => {
      if (!this.#undo.delete(end)) return;
      this.#world.trace("-", "fault", () => `#${event.id} is over`);
      undo();
    };
    this.#undo.add(end);
    this.#world.after(event.durationMillis, `fault ${event.kind} over`, end);
  }
}

function slowDown(disk: SimDisk, millis: number): void {
  const [least, most] = disk.options.delayMillis;
  disk.change({ delayMillis: [least, Math.max(least, most + millis)] });
}

function linkOf(from: number, to: number): number {
  return from * NODES_MAX + to;
}

function endsOf(link: number): [from: number, to: number] {
  return [Math.floor(link / NODES_MAX), link % NODES_MAX];
}
