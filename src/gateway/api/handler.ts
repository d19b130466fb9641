import type { SigningKeys } from "../../codec/sigv4/index.ts";
import type { Env } from "../../env/index.ts";
import type { Access, Cipher } from "../../service/access/index.ts";
import type { Ids } from "../../service/ids/index.ts";
import type { Objects } from "../../service/objects/index.ts";
import type { Store } from "../../store/index.ts";
import type { HttpCall } from "../http/index.ts";
import type { Caller } from "./authenticate.ts";
import type { EventLog } from "./events/event-log.ts";
import type { Watchers } from "./events/watchers.ts";
import type { WatchStreams } from "./kv/watch-streams.ts";
import type { NodePort } from "./node.ts";
import type { BodyOf, OperationEntry, PathOf, QueryOf, ResultOf } from "./operation.ts";
import type { Permissions } from "./permissions.ts";
import type { StatusReporter } from "./status/reporter.ts";
import type { Sampler } from "./telemetry/sampler.ts";

/** What handlers call. */
export interface Services {
  readonly env: Pick<Env, "clock" | "timers" | "compute">;
  /** For users' own rows; what services keep in it is not the API's. */
  readonly store: Store;
  /** Seals what users may hold and not make. */
  readonly cipher: Cipher;
  readonly kvWatches: WatchStreams;
  /** Tells of a bug that comes to light once a reply has begun. */
  readonly onUnexpected: (error: unknown, requestId: string) => void;
  readonly objects: Objects;
  readonly access: Access;
  readonly ids: Ids;
  readonly node: NodePort;
  readonly events: EventLog;
  readonly watchers: Watchers;
  readonly sampler: Sampler;
  readonly reporter: StatusReporter;
  readonly keys: SigningKeys;
  readonly region: string;
}

/** A request that has been routed, authenticated and authorized, with what its operation's schemas say it holds. */
export interface ApiRequest<Entry extends OperationEntry> {
  readonly path: PathOf<Entry>;
  readonly query: QueryOf<Entry>;
  readonly body: BodyOf<Entry>;
  readonly caller: Entry["access"] extends "public" ? undefined : Caller;
  /** For what a handler has to ask by itself. */
  readonly permissions: Entry["access"] extends "public" ? undefined : Permissions;
  readonly call: HttpCall;
  /** Names and values in turn: sent with a reply that is JSON or empty. */
  readonly replyHeaders: string[];
}

export type Handler<Entry extends OperationEntry> = (request: ApiRequest<Entry>) => Promise<ResultOf<Entry>>;

/** One handler for each operation of a table, by name: an operation without one does not compile. */
export type Handlers<Table extends readonly OperationEntry[]> = {
  readonly [Entry in Table[number] as Entry["name"]]: Handler<Entry>;
};

export const PAGE_DEFAULT = 100;
