import type { Clock } from "../../env/index.ts";
import type { BlobCounters, BlobEvent } from "../events.ts";
import type { Health } from "../health.ts";
import type { OpenVolume } from "../open-volume.ts";
import type { BlobOptions } from "../options.ts";
import type { Registry, Volume } from "../registry.ts";
import type { Neighbours } from "./neighbours.ts";

/** Volumes that one turn takes over: each is a commit. */
const TAKEN_MAX = 64;

export interface TakeoverContext {
  readonly clock: Clock;
  readonly node: string;
  readonly registry: Registry;
  readonly neighbours: Neighbours;
  readonly health: Health;
  readonly options: BlobOptions;
  readonly counters: BlobCounters;
  /** Whether this process appends to the volume, or is about to. */
  readonly isInUse: (volume: Volume) => boolean;
  /** Recovers an open volume and makes it this node's. */
  readonly reopen: (volume: Volume) => Promise<OpenVolume | undefined>;
  /** Those of a volume have to be counted. */
  readonly onResponsible: () => void;
  readonly onEvent: (event: BlobEvent) => void;
}

/**
 * One node is responsible for each volume: its writer, and once that has been away for too long, or is removed, the next
 * member that can be reached. A commit of the row decides between two that think so; the earlier one finds its epoch over.
 */
export class Takeover {
  readonly #context: TakeoverContext;

  constructor(context: TakeoverContext) {
    this.#context = context;
  }

  async turn(): Promise<void> {
    const { registry, neighbours, clock, health } = this.#context;
    neighbours.look(clock.monotonic());
    let left = TAKEN_MAX;
    let failure: unknown;
    for (const volume of registry.all()) {
      if (left === 0 || health.stopping) break;
      if (!registry.holds(volume) || volume.frozen || !this.#isWanted(volume)) continue;
      left--;
      try {
        await this.#take(volume);
      } catch (error) {
        // One volume's trouble is not the others'.
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  #isWanted(volume: Volume): boolean {
    const { registry, isInUse } = this.#context;
    if (volume.row.state === "removed") return false;
    if (volume.unsound) return volume.row.members.length > 1;
    const isOwn = registry.owns(volume);
    if (isOwn ? volume.row.state !== "open" || isInUse(volume) : !this.#isDeserted(volume)) return false;
    return volume.row.state !== "open" || this.#canCompare(volume);
  }

  /** The copies of an open volume are compared while it is recovered: who has just gone silent is waited for. */
  #canCompare({ row }: Volume): boolean {
    const { neighbours, node, clock, options } = this.#context;
    const nowMillis = clock.monotonic();
    return row.members.every((name) => {
      if (name === node || neighbours.isRemoved(name) || neighbours.isConnected(Number(name))) return true;
      return neighbours.silentMillis(Number(name), nowMillis) >= options.takeoverAfterMillis;
    });
  }

  /** Members wait one behind the other, so that most often only one of them tries. */
  #isDeserted({ row }: Volume): boolean {
    const { neighbours, node, clock, options } = this.#context;
    if (neighbours.isRemoved(row.writer)) return true;
    const nowMillis = clock.monotonic();
    const before = row.members.slice(0, row.members.indexOf(node)).filter((name) => name !== row.writer);
    const rank = before.filter((name) => neighbours.silentMillis(Number(name), nowMillis) === 0).length;
    return neighbours.silentMillis(Number(row.writer), nowMillis) >= options.takeoverAfterMillis * (1 + rank / 2);
  }

  async #take(volume: Volume): Promise<void> {
    const { registry, node, counters, reopen, onEvent, onResponsible } = this.#context;
    if (volume.unsound) {
      await this.#resign(volume);
      return;
    }
    const { writer, epoch } = volume.row;
    if (volume.row.state === "open") await reopen(volume);
    else await registry.change(volume, epoch, { writer: node, epoch: epoch + 1 });
    if (writer === node) return;
    counters.takeovers++;
    onEvent({ kind: "volume-taken-over", volume: volume.id, writer });
    onResponsible();
  }

  /** This node's copy is missing or too short: the others are the only ones, and one of them is responsible. */
  async #resign(volume: Volume): Promise<void> {
    const { registry, node } = this.#context;
    const { members, writer, epoch } = volume.row;
    const others = members.filter((name) => name !== node);
    const next = writer === node ? { writer: others[0]!, epoch: epoch + 1 } : {};
    await registry.change(volume, epoch, { members: others, ...next });
  }
}
