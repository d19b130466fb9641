import { AssertionError } from "../../std/assert.ts";
import { equalBytes, utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { type ByteSource, chunksOf } from "../../std/source.ts";
import { TABLES } from "../../store/index.ts";
import { type BlobBug, listVolumeFiles } from "../index.ts";
import type { VolumeRow } from "../volume-row.ts";
import { type ClusterNode, ClusterWorld } from "./cluster-world.ts";
import { Contents, Violation } from "./contents.ts";
import { lengthOf, refsOf } from "./world.ts";

export interface ClusterFaults {
  /** How many times a minority is disturbed. */
  readonly rounds: number;
  /** Of the disturbances that end processes, the share in which power fails. */
  readonly powerShare: number;
  readonly kinds: readonly Disturbance[];
  readonly slowStore: boolean;
  readonly lostReplies: boolean;
  /** Else volumes stay as they were sealed, as long as anything in them is live. */
  readonly compacts: boolean;
}

/** "mid-body": members of a volume end while a stream is written to it. */
export type Disturbance = "end" | "pause" | "cut" | "slow" | "rot" | "one-way" | "full" | "wipe" | "mid-body";

interface Body {
  readonly bytes: Uint8Array;
  readonly source: ByteSource;
}

export interface ClusterSimulationOptions {
  readonly seed: number;
  readonly bugs?: readonly BlobBug[];
  /** Left out: the seed decides. */
  readonly faults?: Partial<ClusterFaults>;
  readonly nodes?: number;
}

const OWNERS = 8;
const CLIENTS = 6;
const KINDS: readonly Disturbance[] = [
  "end",
  "end",
  "pause",
  "cut",
  "slow",
  "rot",
  "one-way",
  "full",
  "wipe",
  "mid-body",
];
const QUIET_MILLIS = 20_000;
const QUIET_PARTS_MAX = 8;
/** An old generation goes at the latest so long after the next one has come. */
const KEPT_MILLIS = 10_000;
/** After a fault the nodes have found each other again by then. */
const CONNECTED_MILLIS = 3000;
const KIB = 1024;
/** What a client may meet while nodes are away. */
const EXPECTED = [
  ...["SPACE_RESERVED", "BLOBS_OVERLOADED", "BLOBS_FAILED", "BLOBS_CLOSED", "OUTCOME_UNKNOWN", "NO_LEADER"],
  ...["REPLICAS_TOO_FEW", "REPLICAS_UNREACHABLE", "VOLUME_LOST"],
];

/**
 * Random clients of three to five nodes of which a minority dies, stands still, is cut off or slow, again and again; then
 * a quiet phase. At every read, and for all rows through all nodes at the end: what a row names reads back as it was
 * appended. At the end the copies of each sealed volume are the same, and no node keeps a file that no row counts.
 */
export class ClusterSimulation {
  readonly world: ClusterWorld;
  readonly #prng: Prng;
  readonly #faults: ClusterFaults;
  readonly #contents = new Contents();
  #resting = false;
  #violation: Error | undefined;
  /** A bit is flipped in one copy only: whoever reads finds another. */
  #rotted: string | undefined;
  /** Only one node, and once: what was acknowledged stands a single loss. */
  #wiped: number | undefined;
  readonly counts = { puts: 0, reads: 0, deletes: 0, refused: 0, conflicts: 0, disturbed: 0 };

  private constructor(world: ClusterWorld, prng: Prng, faults: ClusterFaults) {
    this.world = world;
    this.#prng = prng;
    this.#faults = faults;
  }

  static async run({ seed, bugs = [], faults, nodes }: ClusterSimulationOptions): Promise<ClusterSimulation> {
    const prng = new Prng(seed);
    const drawn: ClusterFaults = {
      rounds: 1 + prng.below(6),
      powerShare: prng.pick([0.3, 0.7, 1]),
      kinds: KINDS,
      slowStore: prng.chance(0.3),
      lostReplies: prng.chance(0.3),
      compacts: prng.chance(0.7),
      ...faults,
    };
    const volumeBytes = prng.pick([288, 320, 512]) * KIB;
    const world = await ClusterWorld.open({
      ...{ seed, nodes: nodes ?? prng.pick([3, 3, 3, 4, 5]), bugs },
      options: {
        volumeBytes,
        volumeStepBytes: prng.pick([64, 256]) * KIB,
        needleBytesMax: prng.pick([8, 16, 32]) * KIB,
        readersGraceMillis: prng.pick([300, 1000]),
        copies: prng.pick([3, 3, 2]),
        healAfterMillis: prng.pick([1500, 5000, 60_000]),
        compactGarbagePercent: drawn.compacts ? 30 : 100,
      },
      disk: { powersafeOverwrite: prng.chance(0.5), garbledChance: prng.pick([0, 0.1, 0.4]) },
      unknownChance: drawn.lostReplies ? 0.03 : 0,
      storeMillis: drawn.slowStore ? [5, 60] : [0.1, 2],
    });
    const simulation = new ClusterSimulation(world, prng, drawn);
    await simulation.#run();
    return simulation;
  }

  get traceHash(): string {
    return this.world.scheduler.traceHash;
  }

  async #run(): Promise<void> {
    const { world } = this;
    await world.run(1000);
    const prngs = Array.from({ length: CLIENTS }, () => this.#prng.fork());
    for (const prng of prngs) {
      this.#client(prng).catch((error: unknown) => {
        this.#violation ??= error as Error;
      });
    }
    for (let round = 0; round < this.#faults.rounds; round++) {
      await world.run(300 + this.#prng.below(2000));
      await this.#disturb();
      if (this.#violation !== undefined) throw this.#violation;
    }
    await world.run(2000);
    this.#resting = true;
    await this.#recover();
    for (let part = 0; part < QUIET_PARTS_MAX; part++) {
      await world.run(QUIET_MILLIS);
      await this.#recover();
      if (this.#violation !== undefined) throw this.#violation;
      if (world.rows.rowsOf(TABLES.drop).length === 0 && part > 0) break;
    }
    for (const node of world.nodes) await world.settle(node.blobs!.sealVolumes());
    // They are compacted where that pays, and what they were before goes after the readers' grace.
    await world.run(QUIET_MILLIS);
    for (let part = 0; part < QUIET_PARTS_MAX && !this.#isWhole(); part++) await world.run(QUIET_MILLIS);
    if (!this.#isWhole()) throw new Violation(`the copies are not whole again: ${this.#whatIsNotWhole()}`);
    for (const node of world.nodes) await world.settle(this.#checkRows(node));
    await world.settle(this.#checkCopies());
    this.#checkEvents();
    await world.close();
    if (this.#violation !== undefined) throw this.#violation;
  }

  /** Every volume has its copies, and nothing that is damaged in one of them is left so where another is whole. */
  #isWhole(): boolean {
    return this.world.nodes.every(({ blobs }) => blobs!.status().safety!.atRisk.length === 0);
  }

  #whatIsNotWhole(): string {
    return JSON.stringify(this.world.nodes.map(({ id, blobs }) => ({ id, risks: blobs!.status().safety!.atRisk })));
  }

  /** Fewer than half of the nodes at a time; they are well again before the next ones. */
  async #disturb(): Promise<void> {
    const { world } = this;
    const count = 1 + this.#prng.below(Math.floor((world.nodes.length - 1) / 2));
    const victims = new Set<ClusterNode>();
    while (victims.size < count) victims.add(this.#prng.pick(world.nodes));
    const kind = this.#prng.pick(this.#faults.kinds);
    this.counts.disturbed++;
    if (kind === "mid-body") {
      await this.#breakBody(count);
      await this.#recover();
      return;
    }
    for (const node of victims) await this.#begin(kind, node);
    await world.run(this.#prng.pick([100, 700, 3000, 6000]));
    // A second fault while the first lasts, of the same nodes: they die while they are cut off.
    if (kind !== "end" && this.#prng.chance(0.3)) for (const node of victims) this.#stop(node);
    await this.#recover();
  }

  async #begin(kind: Disturbance, node: ClusterNode): Promise<void> {
    const { world } = this;
    switch (kind) {
      case "end":
        this.#stop(node);
        break;
      case "pause":
        if (node.machine.isRunning) node.machine.pause(500 + this.#prng.below(5000));
        break;
      case "cut":
        world.cut(node);
        break;
      case "one-way":
        world.links.cut(`n${this.#prng.pick(world.nodes.filter((other) => other !== node)).id}`, `n${node.id}`);
        break;
      case "slow":
        for (const other of world.nodes) {
          if (other === node) continue;
          const late = { delayMillisMin: 100, delayMillisMax: 600 };
          world.links.setLinkFaults(`n${node.id}`, `n${other.id}`, late);
        }
        break;
      case "rot":
        await this.#rot(node);
        break;
      case "wipe":
        await this.#wipe(node);
        break;
      case "full":
        node.machine.disk.failNext("write");
        break;
    }
  }

  /** As many nodes are left as a write needs: it must not fail. */
  async #breakBody(count: number): Promise<void> {
    const { world } = this;
    await world.run(CONNECTED_MILLIS);
    const writer = this.#prng.pick(world.nodes);
    const lives = new Map(world.nodes.map((node) => [node, node.life]));
    const bytes = world.bytes(100_000 + this.#prng.below(250_000));
    const inner = this.#source(bytes, this.#prng);
    const breakAt = this.#prng.below(bytes.length);
    const victims: ClusterNode[] = [];
    let given = 0;
    const read = async (): Promise<Uint8Array | null> => {
      if (given >= breakAt && victims.length === 0) {
        victims.push(...this.#othersFirstOf(writer, "extents").slice(0, count));
        for (const node of victims) this.#stop(node);
      }
      const chunk = await inner.read();
      given += chunk?.length ?? 0;
      return chunk;
    };
    const body = { bytes, source: { read, cancel() {} } };
    try {
      await world.settle(this.#append(writer, `owner ${this.#prng.below(OWNERS)}`, body, this.#prng));
    } catch (error) {
      const isAlone = world.nodes.some((node) => {
        return !victims.includes(node) && (node.life !== lives.get(node) || node.fatal.length > 0);
      });
      if (isAlone && this.#isExpected(error)) return;
      const gone = victims.map(({ id }) => id).join(", ");
      throw new Violation(`a body through node ${writer.id} failed with ${gone} of ${lives.size}`, { cause: error });
    }
  }

  /** Nodes but this one, the members of its open volume of that kind first. */
  #othersFirstOf(writer: ClusterNode, kind: VolumeRow["kind"]): readonly ClusterNode[] {
    const rows = [...this.world.volumes().values()];
    const open = rows.find((row) => row.state === "open" && row.kind === kind && row.writer === String(writer.id));
    const isMember = ({ id }: ClusterNode): boolean => open?.members.includes(String(id)) ?? false;
    const others = this.world.nodes.filter((node) => node !== writer);
    return [...others.filter(isMember), ...others.filter((node) => !isMember(node))];
  }

  #stop(node: ClusterNode): void {
    this.world.stop(node, this.#prng.chance(this.#faults.powerShare) ? "crash" : "kill");
  }

  async #recover(): Promise<void> {
    this.world.heal();
    for (const node of this.world.nodes) {
      if (node.fatal.length > 0) this.world.stop(node, "kill");
      if (!node.machine.isRunning) await this.world.restart(node);
    }
  }

  /** The node loses its volumes while it is down, and comes back without them. */
  async #wipe(node: ClusterNode): Promise<void> {
    const { world } = this;
    if (this.#wiped !== undefined || this.#rotted !== undefined) return;
    this.#wiped = node.id;
    world.stop(node, "kill");
    node.machine.restart();
    const { disk } = node.machine.env;
    try {
      for (const { name } of await world.settle(listVolumeFiles(disk))) await world.settle(disk.remove(name));
    } catch (error) {
      if (!hasCode(error, "DISK_FAILED")) throw error;
    }
    world.stop(node, "kill");
  }

  /** One bit of a copy that is not the only one. */
  async #rot(node: ClusterNode): Promise<void> {
    const { world } = this;
    if (this.#rotted !== undefined || this.#wiped !== undefined || !node.machine.isRunning) return;
    const volumes = world.volumes();
    const files = await world.settle(listVolumeFiles(node.machine.env.disk));
    const fit = files.filter(({ volume }) => {
      const row = volumes.get(volume);
      return row !== undefined && row.members.length > 1 && row.members.includes(String(node.id));
    });
    if (fit.length === 0) return;
    const file = this.#prng.pick(fit);
    const length = node.machine.disk.lengthNow(file.name) ?? 0;
    if (length === 0) return;
    node.machine.disk.rot(file.name, this.#prng.below(length), this.#prng.below(8));
    this.#rotted = `${node.id}:${file.volume}`;
  }

  async #client(prng: Prng): Promise<void> {
    while (!this.#resting) {
      await this.#sleep(prng.below(60));
      const node = prng.pick(this.world.nodes);
      if (node.blobs === undefined || node.fatal.length > 0) continue;
      const { life } = node;
      // Who waits for a process that has died is told nothing any more.
      const outcome = this.#act(node, prng).catch((error: unknown) => {
        if (node.life === life && node.fatal.length === 0 && !this.#isExpected(error)) throw error;
      });
      await Promise.race([outcome, this.#untilDead(node, life)]);
    }
  }

  async #untilDead(node: ClusterNode, life: number): Promise<void> {
    for (let waited = 0; node.life === life && waited < 20_000; waited += 50) await this.#sleep(50);
  }

  async #act(node: ClusterNode, prng: Prng): Promise<void> {
    const drawn = prng.below(100);
    if (drawn < 50) await this.#put(node, prng);
    else if (drawn < 65) await this.#delete(node, prng);
    else await this.#read(node, prng);
  }

  #isExpected(error: unknown): boolean {
    const isExpected = EXPECTED.some((code) => hasCode(error, code));
    if (isExpected) this.counts.refused++;
    return isExpected;
  }

  async #put(node: ClusterNode, prng: Prng): Promise<void> {
    const length = prng.pick([
      2000 + prng.below(3000),
      4100 + prng.below(10_000),
      17_000 + prng.below(20_000),
      66_000 + prng.below(150_000),
    ]);
    const owner = `owner ${prng.below(OWNERS)}`;
    const bytes = this.world.bytes(length);
    await this.#append(node, owner, { bytes, source: this.#source(bytes, prng) }, prng);
  }

  async #append(node: ClusterNode, owner: string, { bytes, source }: Body, prng: Prng): Promise<void> {
    const { life } = node;
    using appended = await node.blobs!.append(utf8(owner), source, bytes.length);
    this.#contents.remember(appended.refs, bytes);
    if (prng.chance(0.1)) await this.#sleep(prng.below(8000));
    // Who has died commits nothing.
    if (node.life !== life) return;
    if (await this.world.commitRow(node, owner, appended.refs)) this.counts.puts++;
    else this.counts.conflicts++;
  }

  async #delete(node: ClusterNode, prng: Prng): Promise<void> {
    const owner = `owner ${prng.below(OWNERS)}`;
    if ((await this.world.refs(node, owner)) === undefined) return;
    if (await this.world.commitRow(node, owner, undefined)) this.counts.deletes++;
  }

  async #read(node: ClusterNode, prng: Prng): Promise<void> {
    const owner = `owner ${prng.below(OWNERS)}`;
    const refs = await this.world.refs(node, owner);
    if (refs === undefined) return;
    const expected = this.#contents.of(refs);
    let at = 0;
    try {
      for await (const chunk of chunksOf(node.blobs!.read(refs, 0, lengthOf(refs)))) {
        if (!equalBytes(chunk, expected.subarray(at, at + chunk.length))) {
          throw new Violation(`wrong bytes were served for ${owner} at ${at} by node ${node.id}`);
        }
        at += chunk.length;
      }
    } catch (error) {
      // What a row has let go of may be gone.
      const now = await this.world.refs(node, owner);
      if (hasCode(error, "BLOB_MISSING") && JSON.stringify(now) !== JSON.stringify(refs)) return;
      throw error;
    }
    if (at !== expected.length) throw new Violation(`a read of ${owner} ended early`);
    this.counts.reads++;
  }

  #source(bytes: Uint8Array, prng: Prng): ByteSource {
    const slowly = prng.chance(0.2);
    let at = 0;
    return {
      read: async () => {
        if (slowly || prng.chance(0.05)) await this.#sleep(prng.below(100));
        if (at >= bytes.length) return null;
        const chunk = bytes.slice(at, at + 1 + prng.below(40_000));
        at += chunk.length;
        return chunk;
      },
      cancel() {},
    };
  }

  async #checkRows(node: ClusterNode): Promise<void> {
    for (const row of this.world.rows.rowsOf(TABLES.object)) {
      const refs = refsOf(row);
      const name = new TextDecoder().decode(row.key);
      let bytes: Uint8Array;
      try {
        bytes = await this.world.read(node, refs);
      } catch (error) {
        throw new Violation(`the row ${name} can not be read through node ${node.id}`, { cause: error });
      }
      if (!equalBytes(bytes, this.#contents.of(refs)))
        throw new Violation(`${name} reads wrong through node ${node.id}`);
    }
  }

  async #checkCopies(): Promise<void> {
    const volumes = this.world.volumes();
    const { copies } = { copies: new Map<string, Uint8Array>() };
    for (const node of this.world.nodes) {
      const { disk } = node.machine.env;
      for (const { name, volume, generation } of await listVolumeFiles(disk)) {
        const row = volumes.get(volume);
        const isCounted = row?.members.includes(String(node.id)) && row.generation === generation;
        // For those who read it still.
        const isKept = row !== undefined && node.machine.env.clock.now() < row.switchedMillis + KEPT_MILLIS;
        if (!isCounted && !isKept && row !== undefined && row.members.length >= 2) {
          throw new Violation(`node ${node.id} keeps ${name}, which no row counts: ${JSON.stringify(row)}`);
        }
        if (!isCounted || row?.state !== "sealed") continue;
        const file = await disk.open(name, "read");
        copies.set(`${node.id}:${volume}`, await file.read(0, await file.length()));
        await file.close();
      }
    }
    for (const [id, { state, members, durable }] of volumes) {
      if (state !== "sealed") continue;
      const held = members.map((member) => copies.get(`${member}:${id}`));
      if (held.some((copy) => copy === undefined)) throw new Violation(`a member has no copy of volume ${id}`);
      if (members.some((member) => `${member}:${id}` === this.#rotted)) continue;
      for (const copy of held) {
        if (copy!.length !== durable) throw new Violation(`a copy of volume ${id} has not the length of its row`);
        if (!equalBytes(copy!, held[0]!)) throw new Violation(`the copies of volume ${id} differ`);
      }
    }
    if (this.world.rows.rowsOf(TABLES.drop).length > 0) throw new Violation("drop rows are left");
  }

  #checkEvents(): void {
    for (const { events, blobs, id } of this.world.nodes) {
      for (const event of events) {
        if (event.kind === "damage" && this.#rotted === undefined && event.what !== "file-missing") {
          throw new Violation(`damage on a sound disk: ${JSON.stringify(event)}`);
        }
        if (event.kind === "task-failed" && event.error instanceof AssertionError) throw event.error;
      }
      const { needlesInFlight, memoryBytes } = blobs!.status();
      if (needlesInFlight > 0 || memoryBytes > 0) throw new Violation(`node ${id} holds what no append uses`);
    }
  }

  #sleep(millis: number): Promise<void> {
    return new Promise((resolve) => void this.world.scheduler.after(millis, "client", resolve));
  }
}
