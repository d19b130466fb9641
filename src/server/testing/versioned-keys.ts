import assert from "node:assert/strict";
import type { S3TestClient } from "../../testing/s3-client.ts";
import { expectStatus, hashOf, headerOf, inParallel } from "./calls.ts";
import { type ListedVersion, listVersions } from "./listings.ts";

const BUCKET = "versioned";
/** Then the oldest ones are deleted: what is verified after each kill stays of one size. */
const VERSIONS_MAX = 8;

interface Version {
  /** Undefined where the request that made it got no answer. */
  readonly id: string | undefined;
  /** Null is a delete marker. */
  readonly hash: string | null;
}

/** Newest first. */
type History = readonly Version[];

/** The keys of a versioned bucket, as its clients know them. A key has one writer, which waits for each answer. */
export class VersionedKeys {
  /** Several histories only while a request about the key got no answer. */
  readonly #keys = new Map<string, readonly History[]>();
  acknowledged = 0;

  async put(client: S3TestClient, key: string, body: Uint8Array): Promise<void> {
    const target = `/${BUCKET}/${key}`;
    const hash = hashOf(body);
    await this.#add(key, hash, () => expectStatus(client, 200, { method: "PUT", target, body }));
  }

  /** Leaves a delete marker; or, where there are enough versions, deletes the oldest one for good. */
  async remove(client: S3TestClient, key: string): Promise<void> {
    const history = this.#historyOf(key);
    const target = `/${BUCKET}/${key}`;
    if (history.length < VERSIONS_MAX) {
      await this.#add(key, null, () => expectStatus(client, 204, { method: "DELETE", target }));
      return;
    }
    const after = history.slice(0, -1);
    this.#keys.set(key, [history, after]);
    await expectStatus(client, 204, { method: "DELETE", target: `${target}?versionId=${history.at(-1)!.id}` });
    this.#keys.set(key, [after]);
    this.acknowledged++;
  }

  /**
   * The listing shows each version of each key exactly once, newest first, the first one as the latest, and nothing
   * else; each is read byte for byte, and a key without a version id gives the latest.
   */
  async verify(client: S3TestClient): Promise<void> {
    const listed = await listVersions(client, BUCKET);
    for (const key of listed.keys()) assert.ok(this.#keys.has(key), `${key} is listed, and was never written`);
    await inParallel(this.#keys, 16, async ([key, histories]) => {
      const versions = listed.get(key) ?? [];
      const history = histories.find((each) => fits(each, versions));
      const shown = JSON.stringify({ listed: versions, expected: histories });
      assert.ok(history !== undefined, `the versions of ${key} are other ones: ${shown}`);
      await verifyLatest(client, key, history[0]);
      for (const [at, { hash }] of history.entries()) await verifyVersion(client, versions[at]!, hash);
      this.#keys.set(key, [history.map(({ hash }, at) => ({ id: versions[at]!.id, hash }))]);
    });
  }

  get versions(): number {
    return [...this.#keys.keys()].reduce((sum, key) => sum + this.#historyOf(key).length, 0);
  }

  async #add(key: string, hash: string | null, request: () => ReturnType<typeof expectStatus>): Promise<void> {
    const history = this.#historyOf(key);
    this.#keys.set(key, [history, [{ id: undefined, hash }, ...history]]);
    const answer = await request();
    this.#keys.set(key, [[{ id: headerOf(answer, "x-amz-version-id"), hash }, ...history]]);
    this.acknowledged++;
  }

  #historyOf(key: string): History {
    return this.#keys.get(key)?.[0] ?? [];
  }
}

function fits(history: History, listed: readonly ListedVersion[]): boolean {
  return (
    history.length === listed.length &&
    history.every(({ id, hash }, at) => {
      const { id: listedId, deleteMarker, isLatest } = listed[at]!;
      return (id ?? listedId) === listedId && deleteMarker === (hash === null) && isLatest === (at === 0);
    })
  );
}

async function verifyLatest(client: S3TestClient, key: string, latest: Version | undefined): Promise<void> {
  const hash = latest?.hash ?? null;
  const answer = await expectStatus(client, hash === null ? 404 : 200, { method: "GET", target: `/${BUCKET}/${key}` });
  if (hash !== null) assert.equal(hashOf(answer.body), hash, `the latest of ${key}`);
}

async function verifyVersion(client: S3TestClient, { key, id }: ListedVersion, hash: string | null): Promise<void> {
  const target = `/${BUCKET}/${key}?versionId=${id}`;
  const answer = await expectStatus(client, hash === null ? 405 : 200, { method: "GET", target });
  if (hash === null) assert.equal(headerOf(answer, "x-amz-delete-marker"), "true");
  else assert.equal(hashOf(answer.body), hash, target);
}
