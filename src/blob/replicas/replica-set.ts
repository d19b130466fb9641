import type { DiskFile, Timers } from "../../env/index.ts";
import { blobFailure } from "../errors.ts";
import type { BlobCounters, BlobEvent } from "../events.ts";
import type { BlobOptions } from "../options.ts";
import type { Registry, Volume } from "../registry.ts";
import type { BlobBugs } from "../seeded-bugs.ts";
import type { Capacities } from "./capacities.ts";
import { Member } from "./member.ts";
import type { Neighbours } from "./neighbours.ts";

export interface ReplicaContext {
  readonly timers: Timers;
  readonly node: string;
  readonly registry: Registry;
  readonly neighbours: Neighbours;
  readonly capacities: Capacities;
  readonly options: BlobOptions;
  readonly counters: BlobCounters;
  readonly onEvent: (event: BlobEvent) => void;
  readonly bugs: BlobBugs;
}

/**
 * The copies of an open volume on other nodes. What is written and synced here goes to all of them at the same time. One
 * that fails, or is later than the local copy by more than the limit, gets nothing more; and before anything is
 * acknowledged that it lacks, the row stops naming it. So each node that the row names has all that was acknowledged.
 */
export class ReplicaSet {
  readonly #context: ReplicaContext;
  readonly #volume: Volume;
  readonly #epoch: number;
  /** Those that have taken all that was written since they are here. */
  readonly #members = new Map<string, Member>();

  constructor(context: ReplicaContext, volume: Volume, epoch: number, members: readonly Member[]) {
    this.#context = context;
    this.#volume = volume;
    this.#epoch = epoch;
    for (const member of members) this.#members.set(member.name, member);
  }

  /** Whether every node that the row names takes what is written. */
  get isWhole(): boolean {
    return this.#missing().length === 0;
  }

  /** Whether those that are left may acknowledge something, as far as it is known yet. */
  get areEnough(): boolean {
    const missing = this.#missing();
    if (missing.length === 0 || this.#context.bugs.has("acknowledge-without-member")) return true;
    return this.#volume.row.members.length - missing.length >= this.#copiesMin;
  }

  /** Whether so many of its nodes answer that it is as good to begin to write here as in a new volume. */
  get areReachable(): boolean {
    const { neighbours } = this.#context;
    const { members } = this.#volume.row;
    const reachable = members.filter((name) => neighbours.isPrompt(Number(name))).length;
    return reachable >= Math.min(members.length, this.#copiesMin);
  }

  /** Resolves when the members have it, or have been given up. `local` is the same write of this node's copy. */
  write(local: Promise<unknown>, position: number, chunks: readonly Uint8Array[]): Promise<void> {
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    this.#context.counters.replicaWriteBytes += bytes * this.#members.size;
    return this.#beside(local, (member, signal) => member.write(position, chunks, signal));
  }

  sync(local: Promise<unknown>): Promise<void> {
    return this.#beside(local, (member, signal) => member.sync(signal));
  }

  /**
   * Sees that the row names only members that have taken everything. Rejects with REPLICAS_TOO_FEW where they would be
   * too few: then nothing new may be acknowledged; and with VOLUME_LOST.
   */
  async confirm(): Promise<void> {
    const missing = this.#missing();
    if (missing.length === 0 || this.#context.bugs.has("acknowledge-without-member")) return;
    const { registry, onEvent, counters } = this.#context;
    const members = this.#volume.row.members.filter((name) => !missing.includes(name));
    const copiesMin = this.#copiesMin;
    if (members.length < copiesMin) {
      throw blobFailure("REPLICAS_TOO_FEW", { data: { volume: this.#volume.id, copies: members.length, copiesMin } });
    }
    await registry.change(this.#volume, this.#epoch, { members });
    counters.membersDropped += missing.length;
    for (const member of missing) onEvent({ kind: "member-dropped", volume: this.#volume.id, member });
  }

  /**
   * Brings the copies to the first `length` bytes of the file and ends them there. Returns the nodes whose copy is so
   * then, this one first. All members had synced what lies below `from` when it was acknowledged.
   */
  async complete(file: DiskFile, from: number, length: number): Promise<readonly string[]> {
    const { node, bugs } = this.#context;
    const holders = new Set([node]);
    const others = this.#volume.row.members.filter((name) => name !== node);
    await Promise.all(
      others.map(async (name) => {
        try {
          const member = this.#members.get(name) ?? (await this.#attach(name));
          if (!this.#members.has(name) && !bugs.has("leave-tails-unequal")) {
            await member.equalize(file, { from, to: length }, () => this.#soon());
          }
          await member.trim(length, this.#soon());
          this.#members.set(name, member);
          holders.add(name);
        } catch {
          this.#members.delete(name);
        }
      }),
    );
    return this.#volume.row.members.filter((name) => holders.has(name));
  }

  get #copiesMin(): number {
    const { writeCopiesMin, copies } = this.#context.options;
    return copiesWanted(this.#context, Math.min(writeCopiesMin, copies));
  }

  #attach(name: string): Promise<Member> {
    const { neighbours } = this.#context;
    const target = { volume: this.#volume.id, generation: 1, epoch: this.#epoch };
    return Member.attach(neighbours, Number(name), target, this.#soon());
  }

  #missing(): readonly string[] {
    const { node } = this.#context;
    return this.#volume.row.members.filter((name) => name !== node && !this.#members.has(name));
  }

  /** Aborted after the longest time that a member may be late. */
  #soon(): AbortSignal {
    const { timers, options } = this.#context;
    const late = new AbortController();
    timers.after(options.replicaLagMillisMax, () => late.abort(blobFailure("REPLICA_LATE")));
    return late.signal;
  }

  async #beside(local: Promise<unknown>, ask: (member: Member, signal: AbortSignal) => Promise<void>): Promise<void> {
    const { timers, options, neighbours } = this.#context;
    const late = new AbortController();
    const asked = [...this.#members.values()].map(async (member) => {
      try {
        await ask(member, late.signal);
      } catch {
        this.#members.delete(member.name);
        if (late.signal.aborted) neighbours.wasLate(member.id);
      }
    });
    await local.catch(() => {});
    const timer = timers.after(options.replicaLagMillisMax, () => late.abort(blobFailure("REPLICA_LATE")));
    await Promise.all(asked);
    timer.cancel();
  }
}

/**
 * So many copies, or as many as there are nodes. A node that has not even heard of itself yet does not know how few they are:
 * taken for a cluster of one, it would acknowledge what nobody else has.
 */
export function copiesWanted(
  { neighbours, node }: Pick<ReplicaContext, "neighbours" | "node">,
  copies: number,
): number {
  const present = neighbours.present();
  const isKnown = present.some(({ id }) => id === Number(node));
  return isKnown ? Math.min(copies, present.length) : copies;
}
