import { placeCopies } from "../../core/placement/index.ts";
import type { Clock } from "../../env/index.ts";
import { blobFailure } from "../errors.ts";
import type { BlobCounters, BlobEvent } from "../events.ts";
import type { Examiner } from "../examiner.ts";
import type { Health } from "../health.ts";
import type { BlobOptions } from "../options.ts";
import type { Registry, Volume } from "../registry.ts";
import type { Capacities } from "../replicas/capacities.ts";
import type { BlobNode, Neighbours } from "../replicas/neighbours.ts";
import { targetWriter, VOLUME_METHODS } from "../replicas/wire.ts";
import { type DataSafety, judgeSafety, type NodeCondition, type VolumeRisk } from "./risk.ts";

/** A copy that did not come about on a node is not tried there again before. */
const AGAIN_MILLIS = 15_000;
/** A copy takes at most so much longer than its rate says. */
const SLOW_FACTOR = 4;
const SLOW_MILLIS = 60_000;

export interface HealerContext {
  readonly clock: Clock;
  readonly node: string;
  readonly registry: Registry;
  readonly neighbours: Neighbours;
  readonly capacities: Capacities;
  readonly examiner: Examiner;
  readonly health: Health;
  readonly options: BlobOptions;
  readonly counters: BlobCounters;
  readonly onEvent: (event: BlobEvent) => void;
}

/** A copy that is being made. */
export interface Healing {
  readonly volume: number;
  readonly node: number;
  readonly bytes: number;
}

/**
 * Sees to it that the volumes for which this node is responsible have as many copies as they are to have: those that would
 * be lost first come first, one at a time. Copies on nodes that are gone are made anew elsewhere; those on nodes that are
 * to be left move away. The row names a new copy only when it is whole and durable, and lets go of an old one only then.
 */
export class Healer {
  readonly #context: HealerContext;
  /** By volume and node. */
  readonly #notBefore = new Map<string, number>();
  readonly #closing = new AbortController();
  #running: Healing | undefined;

  constructor(context: HealerContext) {
    this.#context = context;
  }

  get running(): Healing | undefined {
    return this.#running;
  }

  /** What is under way breaks off. */
  close(): void {
    this.#closing.abort(blobFailure("BLOBS_CLOSED"));
  }

  /** Of all volumes of the cluster, as this node sees it. */
  safety(): DataSafety {
    const { registry, neighbours, options } = this.#context;
    const lasting = neighbours.present().filter(({ state }) => state === "active").length;
    return judgeSafety({
      volumes: registry.all(),
      conditionOf: (member) => this.#conditionOf(member),
      copies: Math.max(1, Math.min(options.copies, lasting)),
    });
  }

  async turn(): Promise<void> {
    const { registry, clock, health } = this.#context;
    const nowMillis = clock.monotonic();
    for (const [tried, dueMillis] of this.#notBefore) if (dueMillis <= nowMillis) this.#notBefore.delete(tried);
    let failure: unknown;
    for (const risk of this.safety().atRisk) {
      if (health.stopping) return;
      const volume = registry.get(risk.id);
      if (volume === undefined || !registry.owns(volume) || !isFit(volume)) continue;
      try {
        if (risk.missing > 0) await this.#heal(volume, risk);
        else if (risk.surplus.length > 0) await this.#letGo(volume, risk);
      } catch (error) {
        // One volume's trouble is not the others'.
        failure ??= error;
      }
    }
    if (failure !== undefined && !health.stopping) throw failure;
  }

  async #heal(volume: Volume, risk: VolumeRisk): Promise<void> {
    const target = this.#targetFor(volume, risk);
    if (target === undefined) return;
    const { examiner, registry, counters, onEvent } = this.#context;
    const { epoch, durable } = volume.row;
    this.#notBefore.set(`${volume.id} ${target}`, this.#context.clock.monotonic() + AGAIN_MILLIS);
    this.#running = { volume: volume.id, node: target, bytes: durable };
    // Compaction would make another file of it meanwhile.
    volume.held = true;
    try {
      await examiner.idle();
      await this.#fetchOn(target, volume);
      const kept = volume.row.members.filter((member) => this.#conditionOf(member) !== "gone");
      await registry.change(volume, epoch, { members: [...kept, String(target)] });
    } finally {
      this.#running = undefined;
      registry.letGo(volume);
    }
    counters.volumesHealed++;
    onEvent({ kind: "volume-healed", volume: volume.id, member: String(target), bytes: durable });
  }

  async #fetchOn(target: number, { id, row }: Volume): Promise<void> {
    const { neighbours, options } = this.#context;
    const { generation, epoch, durable } = row;
    const head = targetWriter({ volume: id, generation, epoch }).u64(durable).finish();
    const timeoutMillis = SLOW_MILLIS + Math.ceil((SLOW_FACTOR * 1000 * durable) / options.healBytesPerSecond);
    await neighbours.askOnce(target, VOLUME_METHODS.fetch, head, { timeoutMillis, signal: this.#closing.signal });
  }

  /** Others hold it as they should: nodes that are gone or to be left are not needed. */
  async #letGo(volume: Volume, { surplus, staying }: VolumeRisk): Promise<void> {
    const { registry, node } = this.#context;
    if (!staying.every((member) => this.#conditionOf(member) === "there")) return;
    const { epoch } = volume.row;
    const next = surplus.includes(node) ? { writer: staying[0]!, epoch: epoch + 1 } : {};
    await registry.change(volume, epoch, { members: staying, ...next });
  }

  #targetFor(volume: Volume, { staying }: VolumeRisk): number | undefined {
    const { neighbours, capacities } = this.#context;
    const mayTake = ({ id, state }: BlobNode): boolean =>
      state === "active" &&
      neighbours.isConnected(id) &&
      !volume.row.members.includes(String(id)) &&
      !this.#notBefore.has(`${volume.id} ${id}`);
    // Half of the reserve is there for this: a node without any other room comes last.
    const placed = ({ id, zone }: BlobNode) => ({ id, domain: zone, weight: Math.max(1, capacities.roomOn(id)) });
    const holders = neighbours.present().filter(({ id }) => staying.includes(String(id)));
    const nodes = neighbours.present().filter(mayTake).map(placed);
    return placeCopies(volume.id, nodes, { copies: holders.length + 1, holders: holders.map(placed) })[0];
  }

  #conditionOf(member: string): NodeCondition {
    const { neighbours, node, clock, options } = this.#context;
    const state = neighbours.node(Number(member))?.state;
    if (state === "removed") return "gone";
    const isThere = member === node || neighbours.isConnected(Number(member));
    if (isThere) return state === "draining" ? "leaving" : "there";
    const silentMillis = neighbours.silentMillis(Number(member), clock.monotonic());
    return silentMillis >= options.healAfterMillis ? "gone" : "away";
  }
}

function isFit({ row, held, frozen, unsound }: Volume): boolean {
  return row.state === "sealed" && !held && !frozen && !unsound;
}
