import type { AccessRecord, HttpObserver } from "../../http/index.ts";
import { LatencyWindow } from "./latency-window.ts";

/** What has been counted of one operation of one gateway. */
export interface OperationStats {
  readonly gateway: string;
  readonly operation: string;
  /** Requests by status; 0 stands for clients that left before the answer. */
  readonly statuses: Map<number, number>;
  bytesReceived: number;
  bytesSent: number;
}

/** Since the last sample was taken. */
export interface RequestRates {
  readonly requests: number;
  readonly errors: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly p50Millis: number;
  readonly p99Millis: number;
}

/**
 * Counts the requests of all gateways. It is on the path of every request, so it adds to plain numbers; what reads them (metrics,
 * samples) does the work.
 */
export class RequestStats implements HttpObserver {
  running = 0;
  /** Errors that no layer declares: bugs. */
  unexpectedErrors = 0;
  readonly operations: Map<string, OperationStats> = new Map();
  readonly #onDuration: (stats: OperationStats, seconds: number) => void;
  readonly #window: LatencyWindow = new LatencyWindow();
  #requests = 0;
  #errors = 0;
  #received = 0;
  #sent = 0;

  constructor(onDuration: (stats: OperationStats, seconds: number) => void) {
    this.#onDuration = onDuration;
  }

  started(): void {
    this.running++;
  }

  finished(record: AccessRecord): void {
    this.running--;
    const stats = this.#statsOf(record.gateway, record.operation ?? "none");
    stats.statuses.set(record.status, (stats.statuses.get(record.status) ?? 0) + 1);
    stats.bytesReceived += record.bytesReceived;
    stats.bytesSent += record.bytesSent;
    this.#requests++;
    if (record.status >= 500) this.#errors++;
    this.#received += record.bytesReceived;
    this.#sent += record.bytesSent;
    // Streams last as long as their reader wants: they tell nothing about the server.
    if (record.operation === "watch") return;
    this.#window.add(record.durationMillis);
    this.#onDuration(stats, record.durationMillis / 1000);
  }

  unexpected(): void {
    this.unexpectedErrors++;
  }

  /** What came since the last call. */
  take(): RequestRates {
    const rates = {
      requests: this.#requests,
      errors: this.#errors,
      bytesReceived: this.#received,
      bytesSent: this.#sent,
      p50Millis: this.#window.quantile(0.5),
      p99Millis: this.#window.quantile(0.99),
    };
    this.#requests = this.#errors = this.#received = this.#sent = 0;
    this.#window.clear();
    return rates;
  }

  #statsOf(gateway: string, operation: string): OperationStats {
    const name = `${gateway} ${operation}`;
    let stats = this.operations.get(name);
    if (stats === undefined) {
      stats = { gateway, operation, statuses: new Map(), bytesReceived: 0, bytesSent: 0 };
      this.operations.set(name, stats);
    }
    return stats;
  }
}
