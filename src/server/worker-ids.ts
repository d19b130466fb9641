// `--worker-ids`: where this node's worker numbers come from, if not from its own Store.

import { MysqlClient } from "../drivers/mysql/index.ts";
import { RedisClient } from "../drivers/redis/index.ts";
import { ZookeeperClient } from "../drivers/zookeeper/index.ts";
import type { Env } from "../env/index.ts";
import {
  type IdsOptions,
  MysqlWorkers,
  RedisWorkers,
  StoreWorkers,
  type WorkerSource,
  ZookeeperWorkers,
} from "../service/ids/index.ts";
import { parseAddress } from "../std/options.ts";
import { serverFailure } from "./errors.ts";
import { type MysqlPlace, placeOfMysql } from "./mysql-url.ts";
import type { ServerOptions } from "./options.ts";
import { type EngineSettings, openEngine } from "./outside-store.ts";
import { placeOf, type StorePlace } from "./store-url.ts";

/** One number for all generators, or an engine whose rows several clusters share. */
export type WorkerPlace = { readonly kind: "static"; readonly number: number } | SharedWorkerPlace;

export type SharedWorkerPlace = RedisPlace | ZookeeperPlace | ({ readonly kind: "mysql" } & MysqlPlace) | StorePlace;

interface RedisPlace {
  readonly kind: "redis";
  /** Without the password. */
  readonly url: string;
  readonly password: string | undefined;
}

interface ZookeeperPlace {
  readonly kind: "zookeeper";
  /** `HOST:PORT[,HOST:PORT...]` */
  readonly servers: string;
  /** Of the node above all of ours. */
  readonly path: string;
}

/** The largest layout's numbers are not written so. */
const STATIC = /^static:(\d{1,9})$/;
const REDIS = /^rediss?:\/\/(?:[^:@/?#\s]*@)?(?:\[[0-9a-fA-F:.]+\]|[^:@/?#[\]\s]+)(?::\d{1,5})?(?:\/\d{1,4})?$/;
const ZOOKEEPER = /^zookeeper:\/\/((?:[^:@/?#,\s]+:\d{1,5},?)+)((?:\/[\w-]+)*)\/?$/;
const MYSQL = /^(?:mysql|mariadb):/;
const CALL_MILLIS = 10_000;
const MYSQL_CONNECTIONS_MAX = 4;
const PREFIX = "ashlar-workers";
const POSTGRES_SCHEMA = "ashlar_workers";

/** Undefined without the option. Throws WORKER_IDS_INVALID. */
export function workerPlace({
  workerIds,
  workerIdsPassword,
}: Pick<ServerOptions, "workerIds" | "workerIdsPassword">): WorkerPlace | undefined {
  if (workerIds === undefined) return undefined;
  const [, number] = STATIC.exec(workerIds) ?? [];
  if (number !== undefined) return { kind: "static", number: Number(number) };
  if (REDIS.test(workerIds)) return { kind: "redis", url: workerIds, password: workerIdsPassword };
  const [, servers, path] = ZOOKEEPER.exec(workerIds) ?? [];
  if (servers !== undefined) return { kind: "zookeeper", servers, path: path || `/${PREFIX}` };
  const invalid = (what?: string) => serverFailure("WORKER_IDS_INVALID", { ...(what !== undefined && { what }) });
  if (/^rediss?:/.test(workerIds))
    throw invalid("--worker-ids names no Redis: it is not of the form redis://HOST:PORT/NUMBER.");
  if (/^zookeeper:/.test(workerIds))
    throw invalid("--worker-ids names no ZooKeeper: it is not of the form zookeeper://HOST:PORT/PATH.");
  if (MYSQL.test(workerIds)) {
    const database = placeOfMysql(workerIds, workerIdsPassword);
    if (database === undefined) throw invalid("--worker-ids names no user and database of a MySQL or MariaDB.");
    return { kind: "mysql", ...database };
  }
  return placeOf({ flag: "--worker-ids", url: workerIds, password: workerIdsPassword, prefix: PREFIX }, invalid);
}

export interface WorkerSourceSettings {
  readonly env: Pick<Env, "clock" | "timers" | "random">;
  /** Names of PEM files. */
  readonly files: EngineSettings["files"];
  /** Shown to people where the source has a place for it. */
  readonly port: number;
}

/** For the ids service. Rejects with what the engine says; `parts` owns what was opened. */
export async function openWorkerIds(
  { env, options }: { readonly env: Env; readonly options: ServerOptions },
  parts: AsyncDisposableStack,
): Promise<Pick<IdsOptions, "workers" | "workerNumber">> {
  const place = workerPlace(options);
  if (place === undefined) return {};
  if (place.kind === "static") return { workerNumber: place.number };
  const { workerIdsCa: caFile, workerIdsCert: certFile, workerIdsKey: keyFile } = options;
  const { port } = parseAddress(options.apiListen)!;
  return { workers: await openWorkerSource(place, { env, files: { caFile, certFile, keyFile }, port }, parts) };
}

/** Rejects with what the engine says; `parts` owns what was opened. */
export async function openWorkerSource(
  place: SharedWorkerPlace,
  { env, files, port }: WorkerSourceSettings,
  parts: AsyncDisposableStack,
): Promise<WorkerSource> {
  if (place.kind === "redis") {
    const { url, password } = place;
    const client = parts.use(await RedisClient.open({ url, password, tls: files, callMillis: CALL_MILLIS }));
    return new RedisWorkers(client, PREFIX);
  }
  if (place.kind === "zookeeper") {
    const { servers, path } = place;
    const client = parts.use(await ZookeeperClient.open({ servers, callMillis: CALL_MILLIS }));
    return new ZookeeperWorkers(client, path);
  }
  if (place.kind === "mysql") {
    const limits = { connectionsMax: MYSQL_CONNECTIONS_MAX, callMillis: CALL_MILLIS };
    const client = parts.use(await MysqlClient.open({ ...place, ...files, ...limits }));
    return MysqlWorkers.open(client, { port, launchMillis: env.clock.now() });
  }
  return new StoreWorkers(parts.use(await openEngine(place, { env, files, schema: POSTGRES_SCHEMA })));
}
