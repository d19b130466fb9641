import assert from "node:assert/strict";
import type { S3TestClient } from "../../testing/s3-client.ts";
import { expectStatus, hashOf, inParallel } from "./calls.ts";
import { listKeys } from "./listings.ts";

const BUCKET = "plain";

/** What a key may hold: several states only while a request about it got no answer. Null is: no object. */
type States = ReadonlySet<string | null>;

/** The keys of a bucket without versions, as its clients know them. A key has one writer, which waits for each answer. */
export class PlainKeys {
  readonly #keys = new Map<string, States>();
  acknowledged = 0;

  async put(client: S3TestClient, key: string, body: Uint8Array): Promise<void> {
    await this.change(key, hashOf(body), () =>
      expectStatus(client, 200, { method: "PUT", target: `/${BUCKET}/${key}`, body }),
    );
  }

  async remove(client: S3TestClient, key: string): Promise<void> {
    await this.change(key, null, () => expectStatus(client, 204, { method: "DELETE", target: `/${BUCKET}/${key}` }));
  }

  /** A request that leads to that state; without an answer the key holds it or what it held before. */
  async change(key: string, state: string | null, request: () => Promise<unknown>): Promise<void> {
    this.#keys.set(key, new Set([...(this.#keys.get(key) ?? [null]), state]));
    await request();
    this.#keys.set(key, new Set([state]));
    this.acknowledged++;
  }

  /** Each key holds one of its states, and is listed if that is an object. From then on it holds that. */
  async verify(client: S3TestClient): Promise<void> {
    const listed = await listKeys(client, BUCKET);
    for (const key of listed) assert.ok(this.#keys.has(key), `${key} is listed, and was never written`);
    await inParallel(this.#keys, 16, async ([key, states]) => {
      const answer = await client.call({ method: "GET", target: `/${BUCKET}/${key}` });
      assert.ok(answer.status === 200 || answer.status === 404, `${key}: ${answer.status}`);
      const found = answer.status === 404 ? null : hashOf(answer.body);
      assert.ok(states.has(found), `${key} holds ${found}, expected one of ${[...states].join(", ")}`);
      assert.equal(listed.has(key), found !== null, `the listing of ${key}`);
      this.#keys.set(key, new Set([found]));
    });
  }

  /** After `verify`: whether the key holds the object with that hash. */
  holds(key: string, hash: string): boolean {
    return this.#keys.get(key)?.has(hash) ?? false;
  }
}
