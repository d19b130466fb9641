// Opening the Store in PostgreSQL: the server keeps what it acknowledges, the schema is there and of a format that is known,
// each lease gets its full time again, and from the revision of the first read on all changes are followed.

import { checkDurability, PostgresClient, type PostgresOptions } from "../../drivers/postgres/index.ts";
import type { Env } from "../../env/index.ts";
import { toHex } from "../../std/bytes.ts";
import { asStoreFailure } from "../engine/failures.ts";
import { FollowedHistory } from "../engine/followed-history.ts";
import { ENGINE_DEFAULTS, type EngineOptions } from "../engine/options.ts";
import { enginePositions } from "../engine/positions.ts";
import { newCounters } from "../replicated/counters.ts";
import { HistoryFollower } from "./follower.ts";
import { PostgresLeases } from "./leases.ts";
import { PostgresStore } from "./postgres-store.ts";
import { PostgresReader } from "./reader.ts";
import { openSchema } from "./schema.ts";
import { PostgresWriter } from "./writer.ts";

export interface OpenPostgresStore {
  readonly env: Pick<Env, "timers" | "random">;
  readonly connection: Omit<PostgresOptions, "connectionsMax">;
  readonly options?: Partial<EngineOptions>;
}

/** One writes, one listens, one follows and times leases, the others read. */
const CONNECTIONS_MAX = 10;
const ID_BYTES = 6;

/** Rejects with the driver's errors, or with FORMAT_NEWER. */
export async function openPostgresStore({ env, connection, ...given }: OpenPostgresStore): Promise<PostgresStore> {
  const options = { ...ENGINE_DEFAULTS, ...given.options };
  const { timers, random } = env;
  await using parts = new AsyncDisposableStack();
  const client = parts.use(await PostgresClient.open({ ...connection, connectionsMax: CONNECTIONS_MAX }));
  await checkDurability(client);
  const id = await openSchema(client, connection.schema, toHex(random.bytes(ID_BYTES)));
  const counters = newCounters();
  const positions = enginePositions("q1", id);
  const history = new FollowedHistory({ positions, counters, ...options });
  const reader = new PostgresReader(client);
  history.begin((await reader.get([])).revision);
  const follower = new HistoryFollower({ client, schema: connection.schema, history, timers });
  parts.defer(() => follower.close());
  const writer = new PostgresWriter({
    client,
    onWritten({ revision, hasEvents, leasesGranted, leasesEnded }) {
      if (hasEvents) history.acknowledge(revision);
      counters.leases += leasesGranted - leasesEnded;
      follower.wake();
    },
  });
  const leases = new PostgresLeases({ client, writer, timers, counters, leasesMax: options.leasesMax });
  await asStoreFailure(leases.begin());
  const store = new PostgresStore({ client, reader, writer, leases, history, follower, positions, counters, options });
  parts.move();
  return store;
}
