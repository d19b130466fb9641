// One connection to one Redis that keeps what it acknowledges. What was never sent is tried again until the time for a call
// is over; of a command whose answer is lost nothing is known, which is UNAVAILABLE for one that only reads.

import { readFile } from "node:fs/promises";
import { hasCode } from "../../std/errors.ts";
import { answeredFailure, redisFailure } from "./errors.ts";

export interface RedisOptions {
  /** `redis://` or `rediss://`, without a password. */
  readonly url: string;
  readonly password?: string | undefined;
  /** Names of PEM files, for `rediss://`. */
  readonly tls?: {
    readonly caFile?: string | undefined;
    readonly certFile?: string | undefined;
    readonly keyFile?: string | undefined;
  };
  /** How long a call may take, with all its attempts. */
  readonly callMillis: number;
}

export type RedisReply = string | number | null | readonly RedisReply[];

/** What is used of the npm client: its own types are the caller's to install. */
interface Connection {
  readonly isReady: boolean;
  sendCommand(command: string[]): Promise<unknown>;
  destroy(): void;
}

const ATTEMPT_MILLIS = 100;
const RECONNECT_MILLIS_MAX = 1_000;

export class RedisClient implements Disposable {
  readonly #connection: Connection;
  readonly #isAnswer: (error: unknown) => error is Error;
  readonly #callMillis: number;
  #closed = false;

  /** Rejects with CLIENT_MISSING, UNAVAILABLE, DENIED, and with UNSAFE where Redis may lose what it acknowledges. */
  static async open(options: RedisOptions): Promise<RedisClient> {
    const { createClient, ErrorReply } = await import("@redis/client").catch((cause: unknown) => {
      throw redisFailure("CLIENT_MISSING", { cause });
    });
    const isAnswer = (error: unknown): error is Error => error instanceof ErrorReply;
    let isOpen = false;
    const connection = createClient({
      url: options.url,
      ...(options.password !== undefined && { password: options.password }),
      RESP: 2,
      name: "ashlar",
      disableOfflineQueue: true,
      socket: {
        connectTimeout: options.callMillis,
        reconnectStrategy: (retries: number) => isOpen && Math.min(retries * 50, RECONNECT_MILLIS_MAX),
        ...(options.url.startsWith("rediss:") && { tls: true as const, ...(await secrets(options.tls)) }),
      },
    });
    // It connects again by itself; calls meet the failure on their own.
    connection.on("error", () => {});
    try {
      await connection.connect();
    } catch (cause) {
      throw isAnswer(cause) ? answeredFailure(cause) : redisFailure("UNAVAILABLE", { cause });
    }
    isOpen = true;
    const client = new RedisClient(connection, isAnswer, options.callMillis);
    try {
      await client.#checkDurability();
    } catch (error) {
      client[Symbol.dispose]();
      throw error;
    }
    return client;
  }

  private constructor(connection: Connection, isAnswer: (error: unknown) => error is Error, callMillis: number) {
    this.#connection = connection;
    this.#isAnswer = isAnswer;
    this.#callMillis = callMillis;
  }

  /** A command that changes nothing. */
  async read(command: readonly string[]): Promise<RedisReply> {
    return this.#attempts(() =>
      this.#send(command).catch((error: unknown) => {
        throw hasCode(error, "OUTCOME_UNKNOWN") ? redisFailure("UNAVAILABLE", { cause: error }) : error;
      }),
    );
  }

  /** A script over one key. Rejects with OUTCOME_UNKNOWN where it may have run. */
  async evaluate(script: string, key: string, parameters: readonly string[]): Promise<RedisReply> {
    return this.#attempts(() => this.#send(["EVAL", script, "1", key, ...parameters]));
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.destroy();
  }

  async #attempts<T>(attempt: () => Promise<T>): Promise<T> {
    const deadline = Date.now() + this.#callMillis;
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (!hasCode(error, "UNAVAILABLE") || this.#closed || Date.now() + ATTEMPT_MILLIS >= deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, ATTEMPT_MILLIS));
      }
    }
  }

  async #send(command: readonly string[]): Promise<RedisReply> {
    if (this.#closed) throw redisFailure("CLOSED");
    if (!this.#connection.isReady) throw redisFailure("UNAVAILABLE");
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(redisFailure("OUTCOME_UNKNOWN")), this.#callMillis);
    });
    try {
      return (await Promise.race([this.#connection.sendCommand([...command]), late])) as RedisReply;
    } catch (cause) {
      if (this.#isAnswer(cause)) throw answeredFailure(cause);
      throw hasCode(cause, "OUTCOME_UNKNOWN") ? cause : redisFailure("OUTCOME_UNKNOWN", { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  async #checkDurability(): Promise<void> {
    const settings = new Map<string, string>();
    for (const name of ["appendonly", "appendfsync", "maxmemory-policy"]) {
      const [, value] = (await this.read(["CONFIG", "GET", name])) as readonly string[];
      settings.set(name, value ?? "");
    }
    const isSafe =
      settings.get("appendonly") === "yes" &&
      settings.get("appendfsync") === "always" &&
      !settings.get("maxmemory-policy")!.startsWith("allkeys");
    if (!isSafe) throw redisFailure("UNSAFE", { data: Object.fromEntries(settings) });
  }
}

async function secrets({ caFile, certFile, keyFile }: NonNullable<RedisOptions["tls"]> = {}) {
  const read = (file: string | undefined) => (file === undefined ? undefined : readFile(file));
  const [ca, cert, key] = await Promise.all([read(caFile), read(certFile), read(keyFile)]);
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}
