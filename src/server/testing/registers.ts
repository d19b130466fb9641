import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { checkLinearizability, HistoryReader, MODELS } from "../../check/index.ts";
import type { Prng } from "../../std/prng.ts";
import { NoAnswer, type S3Answer } from "../../testing/s3-client.ts";
import type { ServerProcess } from "../../testing/server-process.ts";
import { bodyOf, writeOf } from "./bodies.ts";
import { headerOf } from "./calls.ts";
import type { RoamingClient } from "./roaming-client.ts";

const KEYS = ["a", "b", "c", "d"];
/** Then other keys take their places: the history of each stays short enough to be decided. */
const WRITES_A_GENERATION = 1200;

type Ended = readonly ["ok" | "fail" | "info", unknown];

interface Seen {
  /** Null where nothing is there. */
  readonly value: number | null;
  readonly etag: string;
}

/**
 * A few objects that all clients read, write, delete, and write on the condition that nobody else did meanwhile. What they saw has
 * to be linearizable for each object.
 */
export class Registers {
  acknowledged = 0;
  refused = 0;
  unknown = 0;
  readonly #bucket: string;
  readonly #bytesMax: number;
  readonly #history = new HistoryReader();
  #processes = 0;
  #writes = 0;

  constructor(bucket: string, bytesMax: number) {
    this.#bucket = bucket;
    this.#bytesMax = bytesMax;
  }

  /** One process after another: whoever gets no answer is gone. */
  async work(client: RoamingClient, prng: Prng, isOver: () => boolean): Promise<void> {
    for (let process = ++this.#processes; !isOver(); await sleep(prng.below(20))) {
      if (!(await this.#operate(client, process, prng))) process = ++this.#processes;
    }
  }

  /** Reads all objects through each of these servers, which have to answer. */
  async readThrough(client: RoamingClient, servers: Iterable<ServerProcess>): Promise<void> {
    for (const server of servers) {
      for (const key of KEYS) {
        const seen = await this.#read(client, ++this.#processes, this.#nameOf(key), server);
        assert.ok(seen !== undefined, `${key} is read through each server`);
      }
    }
  }

  verify(): void {
    const { verdict, ...rest } = checkLinearizability(this.#history.finish(), MODELS["cas-register"]);
    assert.equal(verdict, "ok", JSON.stringify(rest, undefined, 1));
  }

  async #operate(client: RoamingClient, process: number, prng: Prng): Promise<boolean> {
    const key = this.#nameOf(prng.pick(KEYS));
    const choice = prng.unit();
    if (choice < 0.35) return (await this.#read(client, process, key)) !== undefined;
    if (choice < 0.4) return this.#remove(client, process, key);
    const write = ++this.#writes;
    if (choice < 0.6) return this.#put(client, { process, f: "write", key, value: write }, write, {});
    const before = await this.#read(client, process, key);
    if (before === undefined) return false;
    const { value, etag } = before;
    const headers = value === null ? { "if-none-match": "*" } : { "if-match": etag };
    return this.#put(client, { process, f: "cas", key, value: [value, write] }, write, headers);
  }

  #nameOf(key: string): string {
    return `${key}-${Math.floor(this.#writes / WRITES_A_GENERATION)}`;
  }

  /** Undefined where there was no answer. */
  async #read(client: RoamingClient, process: number, key: string, through?: ServerProcess): Promise<Seen | undefined> {
    let seen: Seen | undefined;
    await this.#recorded({ process, f: "read", key, value: null }, async () => {
      const answer = await client.call({ method: "GET", target: `/${this.#bucket}/${key}` }, through);
      if (isUnknown(answer)) return ["info", null];
      assert.ok(answer.status === 200 || answer.status === 404, `GET is answered with ${answer.status}`);
      seen =
        answer.status === 404
          ? { value: null, etag: "" }
          : { value: writeOf(answer.body, this.#bytesMax), etag: headerOf(answer, "etag") };
      return ["ok", seen.value];
    });
    return seen;
  }

  #remove(client: RoamingClient, process: number, key: string): Promise<boolean> {
    return this.#recorded({ process, f: "write", key, value: null }, async () => {
      const answer = await client.call({ method: "DELETE", target: `/${this.#bucket}/${key}` });
      if (isUnknown(answer)) return ["info", null];
      assert.equal(answer.status, 204, "DELETE");
      return ["ok", null];
    });
  }

  #put(
    client: RoamingClient,
    operation: { readonly process: number; readonly f: string; readonly key: string; readonly value: unknown },
    write: number,
    headers: Readonly<Record<string, string>>,
  ): Promise<boolean> {
    const { key, value } = operation;
    return this.#recorded(operation, async () => {
      const body = bodyOf(write, this.#bytesMax);
      const answer = await client.call({ method: "PUT", target: `/${this.#bucket}/${key}`, headers, body });
      if (answer.status === 200) return ["ok", value];
      if (isUnknown(answer)) return ["info", value];
      // 404 where `If-Match` names an object that is not there any more.
      assert.ok(
        operation.f === "cas" && [404, 409, 412].includes(answer.status),
        `PUT is answered with ${answer.status}`,
      );
      return ["fail", value];
    });
  }

  async #recorded(operation: Readonly<Record<string, unknown>>, run: () => Promise<Ended>): Promise<boolean> {
    this.#add({ ...operation, type: "invoke" });
    let ended: Ended;
    try {
      ended = await run();
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      ended = ["info", operation["value"]];
    }
    const [type, value] = ended;
    if (type === "ok") this.acknowledged++;
    else if (type === "fail") this.refused++;
    else this.unknown++;
    this.#add({ ...operation, type, value });
    return type !== "info";
  }

  #add(event: object): void {
    this.#history.add(JSON.stringify({ ...event, time: Math.round(performance.now() * 1e6) }));
  }
}

/** It may have been done, or may yet be. 501 is an answer: that is never done. */
export function isUnknown({ status }: S3Answer): boolean {
  return status >= 500 && status !== 501;
}
