// One connection a member of etcd, of which one is used until it fails. A request that may change something is sent at
// most once: what fails before it was sent is UNAVAILABLE, what fails behind that is OUTCOME_UNKNOWN. Reads are sent again, to
// the next member, until the time for a call is over.

import { readFile } from "node:fs/promises";
import type * as Grpc from "@grpc/grpc-js";
import { hasCode } from "../../std/errors.ts";
import { type EtcdError, etcdFailure } from "./errors.ts";
import type { Header, RangeRequest, RangeResponse, TxnRequest, TxnResponse } from "./messages.ts";
import { type LoadedClient, loadClient, type Method } from "./methods.ts";
import { EtcdWatch, type WatchSettings } from "./watch.ts";

export interface EtcdOptions {
  /** `HOST:PORT` of each member that may be asked. */
  readonly endpoints: readonly string[];
  readonly credentials?: { readonly user: string; readonly password: string } | undefined;
  /** The connections are in the clear where left out. */
  readonly tls?: EtcdTls | undefined;
  /** How long a call may take, with all its attempts. */
  readonly callMillis: number;
}

/** Names of PEM files. */
export interface EtcdTls {
  /** The system's authorities where left out. */
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** Between two attempts, and how long one member may take to answer a new connection where there are others. */
const ATTEMPT_MILLIS = 100;
const CONNECT_MILLIS = 1000;

const CHANNEL_OPTIONS = {
  "grpc.max_receive_message_length": -1,
  "grpc.max_send_message_length": -1,
  "grpc.initial_reconnect_backoff_ms": 50,
  "grpc.min_reconnect_backoff_ms": 50,
  "grpc.max_reconnect_backoff_ms": 1000,
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5000,
} as const;

export class EtcdClient implements AsyncDisposable {
  readonly #loaded: LoadedClient;
  readonly #options: EtcdOptions;
  readonly #members: readonly Grpc.Client[];
  readonly #methods = new Map<string, Method>();
  readonly #watches = new Set<EtcdWatch>();
  #current = 0;
  #token: string | undefined;
  #closed = false;

  /** Connects when it is first used. Rejects with CLIENT_MISSING. */
  static async open(options: EtcdOptions): Promise<EtcdClient> {
    const loaded = await loadClient();
    const { createInsecure, createSsl } = loaded.grpc.credentials;
    const { tls } = options;
    if (tls === undefined) return new EtcdClient(loaded, options, createInsecure());
    const [ca, key, certificate] = await Promise.all([pem(tls.caFile), pem(tls.keyFile), pem(tls.certFile)]);
    return new EtcdClient(loaded, options, createSsl(ca, key, certificate));
  }

  private constructor(loaded: LoadedClient, options: EtcdOptions, credentials: Grpc.ChannelCredentials) {
    const { grpc } = loaded;
    const { endpoints } = options;
    this.#loaded = loaded;
    this.#options = options;
    this.#members = endpoints.map((endpoint) => new grpc.Client(endpoint, credentials, CHANNEL_OPTIONS));
  }

  range(request: RangeRequest, signal?: AbortSignal): Promise<RangeResponse> {
    return this.#read("KV.Range", request, signal) as Promise<RangeResponse>;
  }

  /** Of operations that only read. */
  readTxn(request: TxnRequest, signal?: AbortSignal): Promise<TxnResponse> {
    return this.#read("KV.Txn", request, signal) as Promise<TxnResponse>;
  }

  /** Sent once. */
  txn(request: TxnRequest): Promise<TxnResponse> {
    return this.#once("KV.Txn", request) as Promise<TxnResponse>;
  }

  /** Sent once. Rejects with LEASE_EXISTS. etcd may give it a longer life. */
  async grant(id: number, ttlSeconds: number): Promise<void> {
    await this.#once("Lease.LeaseGrant", { id, ttl: ttlSeconds });
  }

  /** Deletes all keys of it, in one revision, which it gives. Sent once. Rejects with LEASE_UNKNOWN. */
  async revoke(id: number): Promise<number> {
    return ((await this.#once("Lease.LeaseRevoke", { id })) as { readonly header: Header }).header.revision;
  }

  /** Rejects with LEASE_UNKNOWN. */
  async keepAlive(id: number): Promise<void> {
    const answer = (await this.#attempts((member, deadline) => {
      const { path, serialize, deserialize } = this.#method("Lease.LeaseKeepAlive");
      const stream = member.makeBidiStreamRequest(path, serialize, deserialize, this.#metadata(), { deadline });
      return firstAnswer(stream, { id });
    })) as { readonly ttl: number };
    if (answer.ttl <= 0) throw etcdFailure("LEASE_UNKNOWN", { data: { lease: id } });
  }

  /** Goes on over broken connections by itself. */
  watch(settings: WatchSettings): EtcdWatch {
    const watch = new EtcdWatch(settings, async () => {
      const member = await this.#ready(Date.now() + this.#options.callMillis);
      await this.#authenticate(member);
      const { path, serialize, deserialize } = this.#method("Watch.Watch");
      const metadata = this.#metadata();
      // The member ends the stream when it has lost its leader, so that it does not go silent.
      metadata.set("hasleader", "true");
      return member.makeBidiStreamRequest(path, serialize, deserialize, metadata) as never;
    });
    this.#watches.add(watch);
    return watch;
  }

  /** What is under way is cut off. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const watch of this.#watches) watch.close();
    for (const member of this.#members) member.close();
  }

  #read(name: string, request: object, signal?: AbortSignal): Promise<object> {
    return this.#attempts((member, deadline) => this.#unary(member, name, request, deadline), signal);
  }

  /** Until one is answered, or the time is over: UNAVAILABLE then, for nothing has changed. */
  async #attempts(
    attempt: (member: Grpc.Client, deadline: number) => Promise<object>,
    signal?: AbortSignal,
  ): Promise<object> {
    const deadline = Date.now() + this.#options.callMillis;
    for (;;) {
      signal?.throwIfAborted();
      const member = await this.#ready(deadline);
      try {
        await this.#authenticate(member);
        return await attempt(member, deadline);
      } catch (error) {
        if (hasCode(error, "DENIED") && this.#token !== undefined) this.#token = undefined;
        else if (!hasCode(error, "OUTCOME_UNKNOWN")) throw error;
        if (Date.now() + ATTEMPT_MILLIS >= deadline) throw etcdFailure("UNAVAILABLE", { cause: error });
        this.#leave(member);
        await sleep(ATTEMPT_MILLIS);
      }
    }
  }

  async #once(name: string, request: object): Promise<object> {
    const deadline = Date.now() + this.#options.callMillis;
    for (;;) {
      const member = await this.#ready(deadline);
      await this.#authenticate(member);
      try {
        return await this.#unary(member, name, request, deadline);
      } catch (error) {
        if (hasCode(error, "OUTCOME_UNKNOWN")) this.#leave(member);
        // A token grows old, and who refuses it has done nothing.
        if (!hasCode(error, "DENIED") || this.#token === undefined || Date.now() >= deadline) throw error;
        this.#token = undefined;
      }
    }
  }

  #unary(member: Grpc.Client, name: string, request: object, deadline: number): Promise<object> {
    const { path, serialize, deserialize } = this.#method(name);
    return new Promise((resolve, reject) => {
      const metadata = this.#metadata();
      member.makeUnaryRequest(path, serialize, deserialize, request, metadata, { deadline }, (error, answer) => {
        if (error) reject(failureOf(error));
        else resolve(answer!);
      });
    });
  }

  /** A member that is connected. Rejects with UNAVAILABLE at the deadline. */
  async #ready(deadline: number): Promise<Grpc.Client> {
    const { READY } = this.#loaded.grpc.connectivityState;
    for (;;) {
      if (this.#closed) throw etcdFailure("CLOSED");
      const member = this.#members[this.#current]!;
      if (member.getChannel().getConnectivityState(true) === READY) return member;
      const until = this.#members.length === 1 ? deadline : Math.min(deadline, Date.now() + CONNECT_MILLIS);
      const failure = await new Promise<Error | undefined>((resolve) => member.waitForReady(until, resolve));
      if (failure === undefined) return member;
      if (Date.now() >= deadline) {
        throw etcdFailure("UNAVAILABLE", { data: { endpoints: this.#options.endpoints }, cause: failure });
      }
      this.#leave(member);
      if (this.#members.length === 1) await sleep(ATTEMPT_MILLIS);
    }
  }

  #leave(member: Grpc.Client): void {
    if (this.#members[this.#current] === member) this.#current = (this.#current + 1) % this.#members.length;
  }

  async #authenticate(member: Grpc.Client): Promise<void> {
    const { credentials, callMillis } = this.#options;
    if (credentials === undefined || this.#token !== undefined) return;
    const request = { name: credentials.user, password: credentials.password };
    const answer = await this.#unary(member, "Auth.Authenticate", request, Date.now() + callMillis).catch((error) => {
      // It changes nothing, whatever became of it.
      if (hasCode(error, "OUTCOME_UNKNOWN")) throw etcdFailure("UNAVAILABLE", { cause: error });
      // It has no users.
      throw hasCode(error, "LEASE_EXISTS") ? etcdFailure("DENIED", { cause: error }) : error;
    });
    this.#token = (answer as { readonly token: string }).token;
  }

  #metadata(): Grpc.Metadata {
    const metadata = new this.#loaded.grpc.Metadata();
    if (this.#token !== undefined) metadata.set("token", this.#token);
    return metadata;
  }

  #method(name: string): Method {
    let method = this.#methods.get(name);
    if (method === undefined) this.#methods.set(name, (method = this.#loaded.method(name)));
    return method;
  }
}

type Stream = Grpc.ClientDuplexStream<object, object>;

function firstAnswer(stream: Stream, request: object): Promise<object> {
  return new Promise((resolve, reject) => {
    stream.once("data", (answer: object) => {
      resolve(answer);
      stream.end();
    });
    stream.on("error", (error: Grpc.ServiceError) => reject(failureOf(error)));
    stream.once("end", () => reject(etcdFailure("OUTCOME_UNKNOWN")));
    stream.write(request);
  });
}

/** By the number of gRPC's status; etcd uses each of these for few things. */
function failureOf(error: Grpc.ServiceError): EtcdError {
  const data = { status: error.code, details: error.details };
  switch (error.code) {
    case 3:
      return etcdFailure("TOO_LARGE", { data, cause: error });
    case 5:
      return etcdFailure("LEASE_UNKNOWN", { data, cause: error });
    case 6:
    case 9:
      return etcdFailure("LEASE_EXISTS", { data, cause: error });
    case 7:
    case 16:
      return etcdFailure("DENIED", { data, cause: error });
    case 8:
      return etcdFailure("OVERLOADED", { data, cause: error });
    case 11:
      return etcdFailure("COMPACTED", { data, cause: error });
    case 12:
      return etcdFailure("ANSWER_INVALID", { data, cause: error });
    default:
      return etcdFailure("OUTCOME_UNKNOWN", { data, cause: error });
  }
}

async function pem(file: string | undefined): Promise<Buffer | null> {
  return file === undefined ? null : readFile(file);
}

function sleep(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}
