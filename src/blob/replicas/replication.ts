import { type PlacementNode, placeCopies } from "../../core/placement/index.ts";
import type { DiskFile } from "../../env/index.ts";
import { hasCode } from "../../std/errors.ts";
import { blobFailure } from "../errors.ts";
import type { Volume } from "../registry.ts";
import { Member } from "./member.ts";
import { copiesWanted, type ReplicaContext, ReplicaSet } from "./replica-set.ts";
import type { Creation, Target } from "./wire.ts";

/** A file that is complete and synced here. */
export interface NextGeneration {
  readonly file: DiskFile;
  readonly length: number;
  /** Waits for the right to read and send that many bytes. */
  readonly pace: (bytes: number) => Promise<void>;
}

/** Where the copies of this node's volumes go. */
export class Replication {
  readonly #context: ReplicaContext;
  readonly #self: number;

  constructor(context: ReplicaContext) {
    this.#context = context;
    this.#self = Number(context.node);
  }

  /** Without so many copies nothing is acknowledged. */
  get copiesMin(): number {
    return copiesWanted(this.#context, Math.min(this.#context.options.writeCopiesMin, this.#context.options.copies));
  }

  /** So many a volume would get that is opened now. */
  get copiesPossible(): number {
    const { options, neighbours } = this.#context;
    return Math.min(options.copies, 1 + this.#candidates().filter(({ id }) => neighbours.isPrompt(id)).length);
  }

  /** How long this node has not reached the other one. */
  silentMillis(member: string, nowMillis: number): number {
    return this.#context.neighbours.silentMillis(Number(member), nowMillis);
  }

  isConnected(member: string): boolean {
    return this.#context.neighbours.isConnected(Number(member));
  }

  replicasOf(volume: Volume, members: readonly Member[]): ReplicaSet {
    return new ReplicaSet(this.#context, volume, volume.row.epoch, members);
  }

  /**
   * Makes the files of a new volume on other nodes: on as many as can be had in time, at most as many as are wanted. Nodes
   * that were late with something are asked only where there would be too few without them.
   */
  async create(creation: Creation): Promise<readonly Member[]> {
    const { options, neighbours } = this.#context;
    const nodes = this.#candidates();
    const self = { id: this.#self, domain: neighbours.node(this.#self)?.zone ?? "", weight: 1 };
    const members: Member[] = [];
    const createOn = async (from: readonly PlacementNode[]): Promise<void> => {
      for (let left = from; members.length < options.copies - 1 && left.length > 0; ) {
        const holders = [self, ...nodes.filter(({ id }) => members.some((member) => member.id === id))];
        const chosen = placeCopies(creation.volume, left, { copies: options.copies, holders });
        left = left.filter(({ id }) => !chosen.includes(id));
        members.push(...(await this.#createOn(chosen, creation)));
      }
    };
    const late = nodes.filter(({ id }) => !neighbours.isPrompt(id));
    await createOn(nodes.filter((node) => !late.includes(node)));
    if (1 + members.length < this.copiesMin) await createOn(late);
    return members;
  }

  /** On those of them that can do it in time. */
  async #createOn(nodes: readonly number[], creation: Creation): Promise<readonly Member[]> {
    const { options, neighbours, timers } = this.#context;
    const late = new AbortController();
    const timer = timers.after(options.replicaLagMillisMax, () => late.abort(blobFailure("REPLICA_LATE")));
    const made = await Promise.all(
      nodes.map((id) =>
        Member.create(neighbours, id, creation, late.signal).catch(() => {
          if (late.signal.aborted) neighbours.wasLate(id);
        }),
      ),
    );
    timer.cancel();
    return made.filter((member) => member !== undefined);
  }

  /**
   * The members that a sealed volume's next generation goes to: all but those that have been away for so long that their
   * copies are made anew anyway. Undefined while one is away that may soon be back, and where too few would be left.
   */
  heirsOf({ row }: Volume, nowMillis: number): readonly string[] | undefined {
    const heirs = row.members.filter((name) => this.isConnected(name));
    const isAwaited = row.members.some((name) => !heirs.includes(name) && !this.#isGone(name, nowMillis));
    return isAwaited || heirs.length < Math.min(row.members.length, this.copiesMin) ? undefined : heirs;
  }

  /**
   * Puts a sealed volume's next generation on its heirs, durable and compared byte by byte, before the row names it.
   * Rejects with REPLICAS_TOO_FEW where one of them can not take it.
   */
  async install(heirs: readonly string[], target: Target, next: NextGeneration): Promise<void> {
    const others = heirs.filter((name) => name !== this.#context.node);
    await Promise.all(others.map((name) => this.#installAt(Number(name), target, next)));
  }

  async #installAt(id: number, target: Target, { file, length, pace }: NextGeneration): Promise<void> {
    const { neighbours } = this.#context;
    const range = { from: 0, to: length };
    const signalOf = (): AbortSignal => this.#soon();
    try {
      const member = await Member.attach(neighbours, id, target, signalOf());
      await member.equalize(file, range, signalOf, pace);
      await member.trim(length, signalOf());
      if ((await member.equalize(file, range, signalOf, pace)) === 0) return;
    } catch (cause) {
      if (hasCode(cause, "BLOBS_CLOSED")) throw cause;
      throw notInstalled(id, target, cause);
    }
    throw notInstalled(id, target, undefined);
  }

  #isGone(member: string, nowMillis: number): boolean {
    const { neighbours, options } = this.#context;
    return neighbours.isRemoved(member) || this.silentMillis(member, nowMillis) >= options.healAfterMillis;
  }

  /** Aborted after the longest time that a member may be late. */
  #soon(): AbortSignal {
    const { timers, options } = this.#context;
    const late = new AbortController();
    timers.after(options.replicaLagMillisMax, () => late.abort(blobFailure("REPLICA_LATE")));
    return late.signal;
  }

  /** Nodes that can take a new volume now, by the room that they have: none that is below its reserve. */
  #candidates(): readonly PlacementNode[] {
    const { neighbours, capacities } = this.#context;
    return neighbours
      .present()
      .filter(({ id, state }) => id !== this.#self && state === "active" && neighbours.isConnected(id))
      .map(({ id, zone: domain }) => ({ id, domain, weight: capacities.roomOn(id) }))
      .filter(({ weight }) => weight > 0);
  }
}

function notInstalled(node: number, { volume, generation }: Target, cause: unknown): Error {
  return blobFailure("REPLICAS_TOO_FEW", {
    what: `Node ${node} could not take the next generation of volume ${volume}.`,
    advice: "It is tried again; see whether that node runs and has space.",
    data: { node, volume, generation },
    cause,
  });
}
