// What `ashlar/ids/node` is: generators of `ashlar/ids` whose worker numbers a Node.js program leases from an engine that it
// shares with others. No server of Ashlar has to run.

/// <reference lib="esnext.disposable" preserve="true" />

import { hostname } from "node:os";
import { NodeRandom, nodeClock, nodeTimers } from "../env/node/index.ts";
import { type DefineGenerator, LeasedIds, type WorkerSource } from "../service/ids/index.ts";
import { serverFailure } from "./errors.ts";
import { splitPassword } from "./store-url.ts";
import { openWorkerSource, workerPlace } from "./worker-ids.ts";

export type { IdLayout } from "../core/id/index.ts";
export type {
  DefineGenerator,
  LeasedIds,
  WorkerLease,
  WorkerRecord,
  WorkerRow,
  WorkerSource,
} from "../service/ids/index.ts";
export { AshlarError } from "../std/errors.ts";

export interface OpenLeasedIds extends DefineGenerator {
  /**
   * Where the numbers are: an engine as `--worker-ids` names it (`redis://`, `etcd://`, `zookeeper://`, `postgres://`,
   * `mysql://`), or a source of one's own.
   */
  readonly source: string | WorkerSource;
  /** Of the engine's user, where the URL has none. */
  readonly password?: string | undefined;
  /** Names of PEM files. */
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** Whoever shares the engine makes different ids under one name, servers of Ashlar too, and has to define it alike. */
  readonly generator: string;
  /** It prefers the number that it had before under this name; that of the host where left out. */
  readonly node?: string | undefined;
}

/**
 * A number is taken with the first id; dispose to give it back. Rejects with WORKER_IDS_INVALID, with what the engine says
 * (UNSAFE where it may lose what it acknowledges), and with NAME_INVALID, GENERATOR_INVALID, GENERATOR_FIXED, LAYOUT_INVALID.
 */
export async function openLeasedIds(options: OpenLeasedIds): Promise<LeasedIds> {
  const { source, generator, node = hostname(), ...define } = options;
  const connection = new AsyncDisposableStack();
  try {
    const workers = typeof source === "string" ? await openNamed(source, options, connection) : source;
    return new LeasedIds({ workers, connection, env: nodeEnv, node, generator, define });
  } catch (error) {
    await connection.disposeAsync();
    throw error;
  }
}

const nodeEnv = { clock: nodeClock, timers: nodeTimers, random: new NodeRandom() };

function openNamed(
  url: string,
  { password, caFile, certFile, keyFile }: OpenLeasedIds,
  parts: AsyncDisposableStack,
): Promise<WorkerSource> {
  const named = splitPassword(url);
  const place = workerPlace({ workerIds: named?.url ?? url, workerIdsPassword: password ?? named?.password });
  if (place === undefined || place.kind === "static") {
    throw serverFailure("WORKER_IDS_INVALID", {
      what: "A number that is given by hand is leased nowhere.",
      advice: "Name an engine; or make an IdGenerator of ashlar/ids with that number.",
    });
  }
  return openWorkerSource(place, { env: nodeEnv, files: { caFile, certFile, keyFile }, port: 0 }, parts);
}
