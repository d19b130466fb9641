import { setTimeout as sleep } from "node:timers/promises";
import type { Prng } from "../../std/prng.ts";
import { NoAnswer, type S3Answer, type S3Call, S3TestClient } from "../../testing/s3-client.ts";
import type { ServerProcess } from "../../testing/server-process.ts";

/** A server that is stopped answers later; others take longer only while there is no leader. */
const CALL_MILLIS_MAX = 4_000;

/** A client of a cluster whose servers come and go: each call goes through one of those that run. */
export class RoamingClient implements Disposable {
  readonly #running: ReadonlyMap<number, ServerProcess>;
  readonly #prng: Prng;
  readonly #clients = new Map<ServerProcess, S3TestClient>();

  constructor(running: ReadonlyMap<number, ServerProcess>, prng: Prng) {
    this.#running = running;
    this.#prng = prng;
  }

  /** Rejects with NoAnswer as S3TestClient does, and where the answer takes too long: the request may yet be carried out. */
  async call(request: S3Call, through?: ServerProcess): Promise<S3Answer> {
    const servers = [...this.#running.values()];
    if (servers.length === 0) throw new NoAnswer("no server runs");
    const server = through ?? this.#prng.pick(servers);
    const client = this.#clients.get(server) ?? new S3TestClient(server.s3, server);
    this.#clients.set(server, client);
    try {
      return await answerInTime(client, request);
    } catch (error) {
      // Its connections hang, or lead to a server that is gone.
      client.close();
      this.#clients.delete(server);
      throw error;
    }
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients.values()) client.close();
  }
}

async function answerInTime(client: S3TestClient, request: S3Call): Promise<S3Answer> {
  const answered = new AbortController();
  try {
    const late = sleep(CALL_MILLIS_MAX, undefined, { signal: answered.signal }).then(() => {
      throw new NoAnswer(`${request.method} ${request.target}: it took too long`);
    });
    return await Promise.race([client.call(request), late]);
  } finally {
    answered.abort();
  }
}
