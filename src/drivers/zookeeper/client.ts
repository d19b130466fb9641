// Plain nodes of a ZooKeeper, each changed only by who knows its version. Nothing here rests on the session: when it has
// expired, the next call begins another one. What a read gives may be old; a write on it is refused then.

import type * as Zookeeper from "node-zookeeper-client";
import { zookeeperFailure } from "./errors.ts";

export interface ZookeeperOptions {
  /** `HOST:PORT[,HOST:PORT...]` */
  readonly servers: string;
  /** How long a call may take. */
  readonly callMillis: number;
}

export interface ZookeeperNode {
  readonly data: Uint8Array;
  /** From 0 on, one more with every change. */
  readonly version: number;
}

type Callback<T> = (error: Error | Zookeeper.Exception | null, result: T) => void;

const SESSION_MILLIS = 10_000;

export class ZookeeperClient implements Disposable {
  readonly #library: typeof Zookeeper;
  readonly #options: ZookeeperOptions;
  #session: Promise<Zookeeper.Client> | undefined;
  #closed = false;

  /** Rejects with CLIENT_MISSING, UNAVAILABLE. */
  static async open(options: ZookeeperOptions): Promise<ZookeeperClient> {
    const library = await import("node-zookeeper-client").catch((cause: unknown) => {
      throw zookeeperFailure("CLIENT_MISSING", { cause });
    });
    const client = new ZookeeperClient(library, options);
    await client.#connected();
    return client;
  }

  private constructor(library: typeof Zookeeper, options: ZookeeperOptions) {
    this.#library = library;
    this.#options = options;
  }

  /** Undefined where there is none. */
  async get(path: string): Promise<ZookeeperNode | undefined> {
    const read = this.#call<ZookeeperNode>("UNAVAILABLE", (session, done) =>
      session.getData(path, (error, data, stat) => done(error, error ? NONE : { data, version: stat.version })),
    );
    return this.#unless("NO_NODE", read);
  }

  /** Names, in no order; none where there is no such node. */
  async children(path: string): Promise<readonly string[]> {
    const read = this.#call<string[]>("UNAVAILABLE", (session, done) => session.getChildren(path, done));
    return (await this.#unless("NO_NODE", read)) ?? [];
  }

  /** With version 0, and those above it where they are missing. False where it is there already. Rejects with OUTCOME_UNKNOWN. */
  async create(path: string, data: Uint8Array): Promise<boolean> {
    const made = await this.#unless("NO_NODE", this.#make(path, data));
    if (made !== undefined) return made;
    const parent = path.slice(0, path.lastIndexOf("/"));
    await this.#call<string>("UNAVAILABLE", (session, done) => session.mkdirp(parent, done));
    return this.#make(path, data);
  }

  /** The version that it has then; undefined where it has another one than that. Rejects with OUTCOME_UNKNOWN. */
  async set(path: string, data: Uint8Array, version: number): Promise<number | undefined> {
    const write = this.#call<Zookeeper.Stat>("OUTCOME_UNKNOWN", (session, done) =>
      session.setData(path, Buffer.from(data), version, done),
    );
    const stat = await this.#unless("BAD_VERSION", this.#unless("NO_NODE", write));
    return stat?.version;
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#session?.then((session) => session.close()).catch(() => {});
    this.#session = undefined;
  }

  async #make(path: string, data: Uint8Array): Promise<boolean> {
    const making = this.#call<string>("OUTCOME_UNKNOWN", (session, done) =>
      session.create(path, Buffer.from(data), done),
    );
    return (await this.#unless("NODE_EXISTS", making)) !== undefined;
  }

  async #connected(): Promise<Zookeeper.Client> {
    if (this.#closed) throw zookeeperFailure("CLOSED");
    this.#session ??= this.#connect();
    return this.#session;
  }

  async #connect(): Promise<Zookeeper.Client> {
    const { servers, callMillis } = this.#options;
    const session = this.#library.createClient(servers, { sessionTimeout: SESSION_MILLIS });
    const connecting = this.#withinTime(
      "UNAVAILABLE",
      new Promise<void>((resolve) => {
        session.once("connected", resolve);
        session.connect();
      }),
      callMillis,
    );
    const forget = (): void => {
      this.#session = undefined;
      session.close();
    };
    session.once("expired", forget);
    try {
      await connecting;
    } catch (error) {
      forget();
      throw error;
    }
    return session;
  }

  /** Whatever fails without an answer ends as `unanswered`. */
  async #call<T>(
    unanswered: "UNAVAILABLE" | "OUTCOME_UNKNOWN",
    begin: (session: Zookeeper.Client, done: Callback<T>) => void,
  ): Promise<T> {
    const session = await this.#connected();
    const answer = new Promise<T>((resolve, reject) => {
      begin(session, (error, result) => (error ? reject(error) : resolve(result)));
    });
    try {
      return await this.#withinTime(unanswered, answer, this.#options.callMillis);
    } catch (cause) {
      throw this.#failureOf(cause, unanswered);
    }
  }

  #failureOf(cause: unknown, unanswered: "UNAVAILABLE" | "OUTCOME_UNKNOWN"): unknown {
    const { Exception } = this.#library;
    if (!(cause instanceof Exception)) return cause;
    switch (cause.getCode()) {
      case Exception.NO_NODE:
      case Exception.NODE_EXISTS:
      case Exception.BAD_VERSION:
        return cause;
      case Exception.NO_AUTH:
      case Exception.AUTH_FAILED:
        return zookeeperFailure("DENIED", { cause });
      case Exception.CONNECTION_LOSS:
      case Exception.OPERATION_TIMEOUT:
      case Exception.SESSION_EXPIRED:
        return zookeeperFailure(unanswered, { cause });
      default:
        return zookeeperFailure("ANSWER_INVALID", { cause });
    }
  }

  /** Undefined where ZooKeeper answers so. */
  async #unless<T>(code: "NO_NODE" | "NODE_EXISTS" | "BAD_VERSION", call: Promise<T>): Promise<T | undefined> {
    try {
      return await call;
    } catch (error) {
      const { Exception } = this.#library;
      if (!(error instanceof Exception) || error.getCode() !== Exception[code]) throw error;
      return undefined;
    }
  }

  async #withinTime<T>(late: "UNAVAILABLE" | "OUTCOME_UNKNOWN", result: Promise<T>, millis: number): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const over = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(zookeeperFailure(late)), millis);
    });
    try {
      return await Promise.race([result, over]);
    } finally {
      clearTimeout(timer);
    }
  }
}

const NONE: ZookeeperNode = { data: new Uint8Array(0), version: 0 };
