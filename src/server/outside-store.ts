// A Store in an engine that a user already runs: no log, no group and no checkpoint here. Bytes stay in this node's volumes.

import type { Disk, Env } from "../env/index.ts";
import { LOG_DEFAULTS } from "../log/index.ts";
import { unreachable } from "../std/assert.ts";
import { type EngineStore, openEtcdStore, openPostgresStore } from "../store/index.ts";
import { serverFailure } from "./errors.ts";
import type { Logger } from "./logger.ts";
import type { ServerOptions } from "./options.ts";
import { readSmallFile, writeSmallFile } from "./small-file.ts";
import { StoreOwner } from "./store-owner.ts";
import { type StorePlace, storePlace } from "./store-url.ts";

/** Says that the rows of this data directory are in an outside engine, and in which kind. */
export const STORE_FILE = "store.json";

/** How long a call waits for an engine that can not be reached. */
const CALL_MILLIS = 10_000;
/** One Store a database. */
const POSTGRES_SCHEMA = "ashlar";

export interface OutsideStoreParts {
  readonly env: Env;
  readonly options: ServerOptions;
  readonly nodeId: string;
  readonly logger: Logger;
  readonly onFatal: (error: Error) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Undefined where this node keeps its rows itself. Throws where the options and the data directory do not fit. */
export async function outsidePlace(disk: Disk, options: ServerOptions): Promise<StorePlace | undefined> {
  const place = storePlace(options);
  const file = await readSmallFile(disk, STORE_FILE);
  if (place === undefined) {
    if (file === undefined) return undefined;
    const what = "The rows of this data directory are in an outside engine, and --store names none.";
    throw serverFailure("STORE_CHANGED", { what });
  }
  if (options.memory || options.join !== undefined) throw serverFailure("STORE_OPTION_INVALID");
  if (file === undefined && (await disk.list(LOG_DEFAULTS.folder)).length > 0) {
    throw serverFailure("STORE_CHANGED", { what: "This data directory keeps its rows itself.", advice: MOVE_ADVICE });
  }
  return place;
}

const MOVE_ADVICE = "Start without --store, or give --store an empty data directory and copy the objects over.";

/** Rejects with what the engine says, or as `StoreOwner.claim`. `parts` owns what was opened. */
export async function openOutsideStore(
  { env, options, nodeId, logger, onFatal, signal }: OutsideStoreParts,
  place: StorePlace,
  parts: AsyncDisposableStack,
): Promise<EngineStore> {
  const { storeCa: caFile, storeCert: certFile, storeKey: keyFile } = options;
  const settings = { env, files: { caFile, certFile, keyFile }, schema: POSTGRES_SCHEMA };
  const store = parts.use(await openEngine(place, settings));
  const isNew = (await readSmallFile(env.disk, STORE_FILE)) === undefined;
  parts.use(await StoreOwner.claim({ env, store, nodeId, logger, onLost: onFatal, signal }, isNew));
  if (isNew) await writeSmallFile(env.disk, STORE_FILE, `${JSON.stringify({ engine: place.kind })}\n`);
  return store;
}

export interface EngineSettings {
  readonly env: Pick<Env, "timers" | "random">;
  /** Names of PEM files. */
  readonly files: {
    readonly caFile: string | undefined;
    readonly certFile: string | undefined;
    readonly keyFile: string | undefined;
  };
  /** Of a PostgreSQL. */
  readonly schema: string;
}

/** Rejects with what the engine says. */
export function openEngine(place: StorePlace, { env, files, schema }: EngineSettings): Promise<EngineStore> {
  switch (place.kind) {
    case "etcd": {
      const { endpoints, credentials, isSecure, prefix } = place;
      const tls = isSecure ? files : undefined;
      return openEtcdStore({ connection: { endpoints, credentials, tls, callMillis: CALL_MILLIS }, prefix });
    }
    case "postgres": {
      const { url, password } = place;
      const connection = { url, password, tls: files, schema, callMillis: CALL_MILLIS };
      return openPostgresStore({ env, connection });
    }
    default:
      return unreachable(place);
  }
}
