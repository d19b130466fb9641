// The HTTP API: everything under /v1, the console's files under /app/, and what monitors ask (/healthz, /readyz, /metrics).

import { type SigningKeys, splitTarget } from "../../codec/sigv4/index.ts";
import type { Env, Exchange } from "../../env/index.ts";
import type { Access, Cipher } from "../../service/access/index.ts";
import type { Ids } from "../../service/ids/index.ts";
import type { Objects } from "../../service/objects/index.ts";
import type { Store } from "../../store/index.ts";
import {
  type Answering,
  createShell,
  type HttpCall,
  type HttpObserver,
  joinObservers,
  SILENT_OBSERVER,
  type TrustedProxies,
} from "../http/index.ts";
import { type AssetSource, Assets } from "./assets.ts";
import type { Endpoint } from "./endpoint.ts";
import { apiFailure } from "./errors.ts";
import type { EventLog } from "./events/event-log.ts";
import { Watchers } from "./events/watchers.ts";
import { Guard } from "./guard.ts";
import type { Services } from "./handler.ts";
import { eventMessage } from "./handlers/node.ts";
import { WatchStreams } from "./kv/watch-streams.ts";
import type { NodePort } from "./node.ts";
import { operationEndpoints } from "./operation-endpoint.ts";
import { pageEndpoints } from "./pages.ts";
import { replyEmpty, replyError } from "./reply.ts";
import { Routes } from "./routes.ts";
import { StatusReporter, sampleShape } from "./status/reporter.ts";
import type { Metrics } from "./telemetry/metrics.ts";
import { Sampler } from "./telemetry/sampler.ts";
import { StallMeter } from "./telemetry/stall-meter.ts";

export interface ApiParts {
  readonly env: Pick<Env, "clock" | "timers" | "random" | "compute">;
  readonly objects: Objects;
  readonly access: Access;
  readonly ids: Ids;
  /** Under /v1/kv, in a table of its own. */
  readonly store: Store;
  /** Under the cluster's key, so that every node opens what one has sealed. */
  readonly cipher: Cipher;
  readonly node: NodePort;
  readonly events: EventLog;
  /** Its `requests` is the observer of the other gateways too; the API attaches the node's counters to it. */
  readonly metrics: Metrics;
  /** May be shared with other gateways. */
  readonly keys: SigningKeys;
  /** The console; without it /app/ answers 404. */
  readonly console?: AssetSource | undefined;
  readonly trustedProxies: TrustedProxies;
  /** Called beside the metrics: the access log. */
  readonly observer?: HttpObserver | undefined;
  readonly options: ApiOptions;
}

export interface ApiOptions {
  /** In the scope of links that the API signs. */
  readonly region: string;
  /** Answer /metrics without a credential. */
  readonly metricsPublic: boolean;
  readonly requestsMax: number;
}

export interface Api extends Disposable {
  readonly handle: (exchange: Exchange) => void;
  /** Ends streams and timers. Call it before the listener is closed: a watcher would hold that up. */
  [Symbol.dispose](): void;
}

export function createApi(parts: ApiParts): Api {
  const { env, metrics, node, events, options } = parts;
  const owned = new DisposableStack();
  const watchers = owned.use(new Watchers(env.timers));
  const stalls = owned.use(new StallMeter(env.clock, env.timers));
  metrics.attach(node, parts.ids, stalls);
  const sampler: Sampler = owned.use(
    new Sampler({
      ...{ clock: env.clock, timers: env.timers, stats: metrics.requests, stalls },
      space: async () => node.blobs.status(),
      onSample: (sample) => watchers.send({ type: "sample", data: sampleShape(sample) }),
    }),
  );
  owned.defer(events.subscribe((event) => watchers.send(eventMessage(event))));
  const reporter = new StatusReporter({
    clock: env.clock,
    node,
    objects: parts.objects,
    access: parts.access,
    ids: parts.ids,
    sampler,
  });
  const observer = joinObservers(metrics.requests, parts.observer ?? SILENT_OBSERVER);
  const kvWatches = owned.use(new WatchStreams(env.timers));
  const services: Services = {
    ...{ ...parts, watchers, kvWatches, sampler, reporter, region: options.region },
    onUnexpected: (error, requestId) => observer.unexpected(error, requestId),
  };
  const guard = new Guard({ access: parts.access, objects: parts.objects, keys: parts.keys, clock: env.clock });
  const hash = (bytes: Uint8Array): Uint8Array => parts.keys.sha256.hash(bytes);
  const assets = parts.console === undefined ? undefined : new Assets(parts.console, hash);
  const endpoints = [
    ...operationEndpoints(services, guard),
    ...pageEndpoints({ node, metrics, assets, guard, metricsPublic: options.metricsPublic }),
  ];
  const { clock, random } = env;
  const { trustedProxies } = parts;
  const { requestsMax } = options;
  const shell = { name: "api", clock, random, trustedProxies, requestsMax, observer };
  const handle = createShell(shell, new Gateway(new Routes(endpoints)));
  return { handle, [Symbol.dispose]: () => owned.dispose() };
}

class Gateway implements Answering {
  readonly #routes: Routes<Endpoint>;

  constructor(routes: Routes<Endpoint>) {
    this.#routes = routes;
  }

  async answer(call: HttpCall): Promise<void> {
    const { method, target } = call.exchange;
    const { path, query } = splitTarget(target);
    if (method === "OPTIONS") {
      const allowed = this.#routes.allowed(path);
      if (allowed.length === 0) throw apiFailure("ROUTE_MISSING", { data: { path: path.slice(0, 200) } });
      return replyEmpty(call, 204, ["Allow", allowed.join(", ")]);
    }
    const { entry, parameters } = this.#routes.find(method, path);
    call.operation = entry.name;
    await entry.answer(call, { parameters, path, query });
  }

  refuse(call: HttpCall, error: unknown): Promise<void> {
    return replyError(call, error);
  }
}
