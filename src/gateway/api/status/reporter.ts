import type { VolumeStatus } from "../../../blob/index.ts";
import type { ClusterStatus } from "../../../cluster/index.ts";
import type { Clock } from "../../../env/index.ts";
import type { Access } from "../../../service/access/index.ts";
import type { Ids } from "../../../service/ids/index.ts";
import { nameOfOwner, type Objects } from "../../../service/objects/index.ts";
import type { ClientOrigin } from "../../http/index.ts";
import { type ClusterPort, type NodePort, statusOfCluster } from "../node.ts";
import { reachable } from "../reachable.ts";
import type { Infer } from "../schema.ts";
import type { Sample, Sampler } from "../telemetry/sampler.ts";
import { DAMAGED_NAMED_MAX, type Fault, faultsOf } from "./faults.ts";
import { healthOf, sentenceOf } from "./sentence.ts";

export interface ReporterParts {
  readonly clock: Clock;
  readonly node: NodePort;
  readonly objects: Objects;
  readonly access: Access;
  readonly ids: Ids;
  readonly sampler: Sampler;
}

interface Counts {
  readonly buckets: number;
  readonly users: number;
  readonly policies: number;
}

const COUNTS_MILLIS_MAX = 10_000;
const CLUSTER_MILLIS_MAX = 1000;
const PAGE_ROWS = 1000;
/** Of a count; more are not counted further. */
const PAGES_MAX = 100;

/** Makes the status: what the overview of the console and `ashlar status` show. */
export class StatusReporter {
  readonly #parts: ReporterParts;
  /** By object and sentence: when it was first seen. */
  readonly #since: Map<string, number> = new Map();
  readonly #damaged = new Map<number, readonly string[]>();
  #counts: Counts = { buckets: 0, users: 0, policies: 0 };
  #countedMillis = Number.NEGATIVE_INFINITY;
  #counting: Promise<void> | undefined;
  #cluster: ClusterStatus | "unknown" | undefined;
  #clusterMillis = Number.NEGATIVE_INFINITY;
  #askingCluster: Promise<void> | undefined;
  #failuresSeen = 0;
  #checkpointsSeen = 0;
  #checkpointFailing = false;

  constructor(parts: ReporterParts) {
    this.#parts = parts;
  }

  /** As this client sees the node. */
  async status(origin: ClientOrigin): Promise<Infer<"Status">> {
    const { clock, node, sampler } = this.#parts;
    const counts = await this.#freshCounts();
    const blobs = node.blobs.status();
    await this.#nameDamaged(blobs.volumes);
    const cluster = await this.#freshCluster();
    const faults = this.faults();
    const nowMillis = clock.now();
    const volumes = blobs.volumes.filter(({ state }) => state !== "removed");
    return {
      health: healthOf(faults),
      sentence: sentenceOf(faults, counts.buckets, blobs, cluster?.summary),
      version: node.version,
      node: node.id,
      at: instant(nowMillis),
      startedAt: instant(node.startedMillis),
      uptimeMillis: Math.max(0, nowMillis - node.startedMillis),
      endpoints: reachable(node.endpoints(), origin),
      counts: { ...counts, volumes: volumes.length },
      capacity: {
        totalBytes: blobs.bytesTotal,
        freeBytes: blobs.bytesFree,
        reserveBytes: blobs.bytesReserved,
        volumeBytes: volumes.reduce((sum, { bytes }) => sum + bytes, 0),
        garbageBytes: volumes.reduce((sum, { garbageBytes }) => sum + garbageBytes, 0),
      },
      rates: sampleShape(sampler.latest),
      faults: faults.map((fault) => this.#faultShape(fault)),
      cluster: cluster && clusterShape(cluster),
    };
  }

  faults(): readonly Fault[] {
    const { clock, node, ids } = this.#parts;
    const { counters } = node.store;
    this.#noteCheckpoints(counters.checkpoints, counters.checkpointFailures);
    const faults = faultsOf({
      nowMillis: clock.now(),
      failure: node.failure(),
      blobs: node.blobs.status(),
      damaged: this.#damaged,
      store: { ...counters, checkpointFailing: this.#checkpointFailing },
      ids: ids.meter.troubles(),
      cluster: this.#cluster,
    });
    const names = new Set(faults.map(nameOf));
    for (const name of this.#since.keys()) if (!names.has(name)) this.#since.delete(name);
    for (const name of names) if (!this.#since.has(name)) this.#since.set(name, clock.now());
    return faults;
  }

  /** Undefined for a node that is alone, and where nobody can tell. */
  async #freshCluster(): Promise<ClusterStatus | undefined> {
    const { clock, node } = this.#parts;
    if (node.cluster === undefined) return undefined;
    if (clock.monotonic() - this.#clusterMillis > CLUSTER_MILLIS_MAX) {
      this.#askingCluster ??= this.#askCluster(node.cluster).finally(() => {
        this.#askingCluster = undefined;
      });
      await this.#askingCluster;
    }
    return this.#cluster === "unknown" ? undefined : this.#cluster;
  }

  async #askCluster(cluster: ClusterPort): Promise<void> {
    const { node } = this.#parts;
    this.#cluster = await statusOfCluster(cluster, node.blobs).catch(() => "unknown" as const);
    this.#clusterMillis = this.#parts.clock.monotonic();
  }

  /** Of each volume the first damaged needles' objects. They are looked up again whenever the status is asked for. */
  async #nameDamaged(volumes: readonly VolumeStatus[]): Promise<void> {
    const { node } = this.#parts;
    for (const id of this.#damaged.keys()) {
      if (!volumes.some(({ volume, damagedCount }) => volume === id && damagedCount > 0)) this.#damaged.delete(id);
    }
    for (const { volume, damagedNeedles } of volumes) {
      const names: string[] = [];
      for (const needle of damagedNeedles.slice(0, DAMAGED_NAMED_MAX)) {
        const owner = await node.blobs.ownerOf(volume, needle).catch(() => undefined);
        const name = owner && (await nameOfOwner(node.store, owner).catch(() => undefined));
        if (name !== undefined) names.push(`${name.bucket}/${name.key}`);
      }
      if (names.length > 0) this.#damaged.set(volume, [...new Set(names)]);
    }
  }

  #faultShape(fault: Fault): Infer<"Fault"> {
    return { ...fault, since: instant(this.#since.get(nameOf(fault)) ?? this.#parts.clock.now()) };
  }

  #noteCheckpoints(written: number, failures: number): void {
    if (written > this.#checkpointsSeen) this.#checkpointFailing = false;
    if (failures > this.#failuresSeen) this.#checkpointFailing = true;
    this.#checkpointsSeen = written;
    this.#failuresSeen = failures;
  }

  async #freshCounts(): Promise<Counts> {
    if (this.#parts.clock.monotonic() - this.#countedMillis > COUNTS_MILLIS_MAX) {
      this.#counting ??= this.#count().finally(() => {
        this.#counting = undefined;
      });
      await this.#counting;
    }
    return this.#counts;
  }

  async #count(): Promise<void> {
    const { objects, access, clock } = this.#parts;
    const page = (after: string | undefined) => ({ limit: PAGE_ROWS, ...(after !== undefined && { after }) });
    this.#counts = {
      buckets: await countPages(async (after) => {
        const { items, next } = await objects.listBuckets(page(after));
        return { count: items.length, next };
      }),
      users: await countPages(async (after) => {
        const { users, next } = await access.users.list(page(after));
        return { count: users.length, next };
      }),
      policies: await countPages(async (after) => {
        const { policies, next } = await access.policies.list(page(after));
        return { count: policies.length, next };
      }),
    };
    this.#countedMillis = clock.monotonic();
  }
}

function clusterShape({ name, canLose, summary, nodes }: ClusterStatus): Infer<"Status">["cluster"] {
  const present = nodes.filter(({ state }) => state === "active" || state === "draining");
  const alive = present.filter(({ isAlive }) => isAlive);
  return { name, canLose, summary, nodes: present.length, nodesAlive: alive.length };
}

export function sampleShape(sample: Sample): Infer<"Sample"> {
  const { atMillis, bytesFree, ...rates } = sample;
  return { at: instant(atMillis), ...rates, freeBytes: bytesFree };
}

/** RFC 3339, in UTC. */
export function instant(millis: number): string {
  return new Date(millis).toISOString();
}

/** A sentence with other numbers, or with names behind it, is still the same fault. */
function nameOf({ object, what }: Fault): string {
  return `${object} ${what.replace(/[\d.]+/g, "#").replace(/ a copy.*$/, "")}`;
}

async function countPages(
  read: (after: string | undefined) => Promise<{ readonly count: number; readonly next: string | undefined }>,
): Promise<number> {
  let count = 0;
  let after: string | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    const page = await read(after);
    count += page.count;
    after = page.next;
    if (after === undefined) break;
  }
  return count;
}
