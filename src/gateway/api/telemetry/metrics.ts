import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Ids } from "../../../service/ids/index.ts";
import type { NodePort } from "../node.ts";
import { addIdsMetrics } from "./ids-metrics.ts";
import { type OperationStats, RequestStats } from "./request-stats.ts";
import type { StallMeter } from "./stall-meter.ts";

const SECONDS_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Of the counters of groups, Store and volumes, those that go down again. */
const GAUGES: ReadonlySet<string> = new Set([
  "watchers",
  "leases",
  "checkpointRows",
  "checkpointBytes",
  "garbageBytes",
  "groups",
  "groupsLed",
  "groupsLeaderless",
  "entriesUnapplied",
  "commandsWaiting",
]);

/**
 * The node's metrics in Prometheus' text format. What the node counts anyway is read when it is asked for; only the durations of
 * requests are observed as they happen.
 */
export class Metrics {
  /** Counts the requests of every gateway that gets it as its observer. */
  readonly requests: RequestStats;
  readonly #registry: Registry = new Registry();

  constructor() {
    const durations = new Histogram({
      name: "ashlar_http_request_duration_seconds",
      help: "From a request's headers to the end of its answer.",
      labelNames: ["gateway", "operation"],
      buckets: SECONDS_BUCKETS,
      registers: [this.#registry],
    });
    const children: WeakMap<OperationStats, { observe(seconds: number): void }> = new WeakMap();
    this.requests = new RequestStats((stats, seconds) => {
      let child = children.get(stats);
      if (child === undefined) {
        child = durations.labels(stats.gateway, stats.operation);
        children.set(stats, child);
      }
      child.observe(seconds);
    });
    this.#addRequests();
  }

  /** What the node counts; once, when the node is there. */
  attach(node: NodePort, ids: Ids, stalls: StallMeter): void {
    this.#addNode(node, stalls);
    const { log, raft } = node;
    if (log) this.#addCounters("log", "the log", () => log.counters);
    if (raft) this.#addCounters("raft", "the groups of this node", () => ({ ...raft.counters, ...raft.gauges() }));
    this.#addCounters("store", "the Store", () => node.store.counters);
    this.#addCounters("blob", "the volumes", () => node.blobs.counters);
    addIdsMetrics(this.#registry, ids);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #addRequests(): void {
    const { requests } = this;
    const registers = [this.#registry];
    new Counter({
      name: "ashlar_http_requests_total",
      help: "Requests by gateway, operation and status; status 0 is a client that left before the answer.",
      labelNames: ["gateway", "operation", "status"],
      registers,
      collect() {
        this.reset();
        for (const { gateway, operation, statuses } of requests.operations.values()) {
          for (const [status, count] of statuses) this.inc({ gateway, operation, status }, count);
        }
      },
    });
    this.#addBytes("received", "Bytes of requests' bodies.", ({ bytesReceived }) => bytesReceived);
    this.#addBytes("sent", "Bytes of answers' bodies.", ({ bytesSent }) => bytesSent);
    this.#gauge("ashlar_http_requests_running", "Requests that are being answered.", () => requests.running);
    this.#counter("ashlar_unexpected_errors_total", "Errors that no layer declares.", () => requests.unexpectedErrors);
  }

  #addBytes(name: string, help: string, read: (stats: OperationStats) => number): void {
    const { requests } = this;
    new Counter({
      name: `ashlar_http_${name}_bytes_total`,
      help,
      labelNames: ["gateway", "operation"],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const stats of requests.operations.values()) {
          this.inc({ gateway: stats.gateway, operation: stats.operation }, read(stats));
        }
      },
    });
  }

  #addNode(node: NodePort, stalls: StallMeter): void {
    const { blobs, resources, startedMillis, version } = node;
    const registers = [this.#registry];
    new Gauge({
      name: "ashlar_info",
      help: "Always 1, with the version that runs.",
      labelNames: ["version", "node"],
      registers,
      collect() {
        this.set({ version, node: node.id }, 1);
      },
    });
    this.#gauge("ashlar_start_time_seconds", "When the node started, since 1970.", () => startedMillis / 1000);
    this.#counter(
      "ashlar_event_loop_stall_seconds_total",
      "Time by which timers were late.",
      () => stalls.totalMillis / 1000,
    );
    this.#gauge("ashlar_disk_free_bytes", "Of the disk that holds the data.", () => blobs.status().bytesFree);
    this.#gauge("ashlar_disk_total_bytes", "Of the disk that holds the data.", () => blobs.status().bytesTotal);
    this.#gauge("ashlar_disk_reserve_bytes", "Space that writes leave free.", () => blobs.status().bytesReserved);
    this.#gauge("ashlar_volumes", "Volumes of this node.", () => blobs.status().volumes.length);
    this.#gauge("ashlar_volumes_bytes", "Of all volumes' files.", () => {
      return blobs.status().volumes.reduce((sum, { bytes }) => sum + bytes, 0);
    });
    this.#gauge("ashlar_volumes_damaged_needles", "Needles that are known to be damaged.", () => {
      return blobs.status().volumes.reduce((sum, { damagedCount }) => sum + damagedCount, 0);
    });
    this.#gauge(
      "ashlar_scrub_oldest_timestamp_seconds",
      "When the volume that waits longest was verified; 0: never.",
      () => {
        return oldestVerification(node) / 1000;
      },
    );
    if (resources === undefined) return;
    this.#gauge("process_resident_memory_bytes", "Resident memory.", () => resources().residentBytes);
    this.#counter("process_cpu_seconds_total", "User and system time.", () => resources().cpuMillis / 1000);
  }

  #addCounters(prefix: string, of: string, read: () => object): void {
    for (const name of Object.keys(read())) {
      const value = (): number => Number((read() as Readonly<Record<string, unknown>>)[name] ?? 0);
      const metric = `ashlar_${prefix}_${snakeCase(name)}`;
      const help = `${name} of ${of}.`;
      if (GAUGES.has(name)) this.#gauge(metric, help, value);
      else this.#counter(`${metric}_total`, help, value);
    }
  }

  #counter(name: string, help: string, read: () => number): void {
    new Counter({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.set(read());
      },
    });
  }
}

function oldestVerification({ blobs }: NodePort): number {
  const sealed = blobs.status().volumes.filter(({ state }) => state === "sealed");
  return sealed.length === 0 ? 0 : Math.min(...sealed.map(({ verifiedMillis }) => verifiedMillis));
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
