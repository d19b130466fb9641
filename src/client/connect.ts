import { SigningKeys } from "../codec/sigv4/index.ts";
import type { Clock, Random, Timers } from "../env/index.ts";
import { WebRandom, webClock, webTimers } from "../env/web/index.ts";
import type { Ashlar, ConnectOptions } from "./api.ts";
import { Caller } from "./caller.ts";
import { addressesFound, credentialsFound } from "./credentials.ts";
import { Gate } from "./gate.ts";
import { platformSha256 } from "./hashing.ts";
import { IdsCalls } from "./ids.ts";
import { KvCalls } from "./kv.ts";
import { Nodes } from "./nodes.ts";
import { Sessions } from "./session.ts";
import { type Fetch, Transport } from "./transport.ts";

/** The world that the client runs in; tests bring their own. */
export interface ClientEnv {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
}

const ATTEMPT_MILLIS_MAX = 5000;
const REQUESTS_MAX = 64;
const WAITING_MAX = 10_000;

/**
 * Connects to a server or to all of a cluster: calls go to any of them that answers. Without an address ASHLAR_API is
 * asked, then 127.0.0.1:9100. Rejects where none answers, or the credential is not good.
 */
export async function connect(url?: string | readonly string[], options: ConnectOptions = {}): Promise<Ashlar> {
  const addresses = url === undefined ? addressesFound() : typeof url === "string" ? [url] : url;
  const credentials = options.credentials ?? (await credentialsFound());
  const env = { clock: webClock, timers: webTimers, random: new WebRandom() };
  return connectWith(env, addresses, { ...options, ...(credentials && { credentials }) });
}

export async function connectWith(
  env: ClientEnv,
  addresses: readonly string[],
  options: ConnectOptions,
): Promise<Ashlar> {
  const { attemptMillisMax = ATTEMPT_MILLIS_MAX, requestsMax = REQUESTS_MAX } = options;
  const transport = new Transport({
    fetch: options.fetch ?? platformFetch,
    clock: env.clock,
    keys: new SigningKeys(platformSha256(), { entriesMax: 4 }),
    credentials: options.credentials,
  });
  const nodes = new Nodes(addresses, env.random);
  const gate = new Gate(requestsMax, WAITING_MAX);
  const caller = new Caller({ ...env, transport, nodes, gate, attemptMillisMax });
  await caller.call({ method: "GET", path: "/v1/session" }, "reads");
  const sessions = new Sessions(caller, env.clock);
  const close = async (): Promise<void> => {
    await sessions.close();
    caller.close();
  };
  const ids = new IdsCalls({ ...env, caller });
  const kv = new KvCalls({ ...env, caller, nodes, transport, sessions });
  return { ids, kv, close, [Symbol.asyncDispose]: close };
}

const platformFetch: Fetch = (url, init) => fetch(url, init);
