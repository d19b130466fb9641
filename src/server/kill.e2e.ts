import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sha256 } from "../env/crypto.ts";
import { toHex } from "../std/bytes.ts";
import { Prng } from "../std/prng.ts";
import { S3TestClient } from "../testing/s3-client.ts";
import { simulationSeeds } from "../testing/seeds.ts";
import { startServerProcess, temporaryFolder } from "../testing/server-process.ts";

// Clients write, overwrite, delete and upload in parts; the server is killed with SIGKILL at random moments. After each restart
// every acknowledged object, version and listing entry is there byte for byte. A request that got no answer may have happened or
// not, but wholly.

const CLIENTS = 32;
const KEYS_A_CLIENT = 6;
const KILLS = Number(process.env["ASHLAR_KILLS"] ?? 20);

/** What a key may hold: several states only while a request about it got no answer. Null is: no object. */
type States = Set<string | null>;

class Expectations {
  readonly keys = new Map<string, States>();
  /** Acknowledged versions of the versioned bucket: key and version id to hash. */
  readonly versions = new Map<string, string>();
  acknowledged = 0;

  begin(key: string, state: string | null): States {
    const states = this.keys.get(key) ?? new Set<string | null>([null]);
    states.add(state);
    this.keys.set(key, states);
    return states;
  }

  settle(key: string, state: string | null): void {
    this.keys.set(key, new Set([state]));
    this.acknowledged++;
  }
}

describe("a server that is killed", () => {
  test(`has every acknowledged write after each of ${KILLS} SIGKILLs under ${CLIENTS} clients`, {
    timeout: 900_000,
  }, async (t) => {
    const seed = simulationSeeds(1)[0]!;
    t.diagnostic(`ASHLAR_SIM_SEED=${seed}`);
    const prng = new Prng(seed);
    await using folder = await temporaryFolder("kill");
    const expected = new Expectations();
    for (let round = 0; round < KILLS; round++) {
      await using server = await startServerProcess({ dataDir: folder.path, args: ["--volume-bytes", "32MiB"] });
      const client = new S3TestClient(server.s3, server);
      if (round === 0) await createBuckets(client);
      else await verify(client, expected, round);
      const stop = new AbortController();
      const workers = Array.from({ length: CLIENTS }, (_, id) => work(client, id, prng.fork(), expected, stop.signal));
      await new Promise((resolve) => setTimeout(resolve, 300 + prng.below(1200)));
      stop.abort();
      await server.kill();
      await Promise.all(workers);
      client.close();
    }
    await using server = await startServerProcess({ dataDir: folder.path });
    const client = new S3TestClient(server.s3, server);
    await verify(client, expected, KILLS);
    client.close();
    t.diagnostic(`${KILLS} kills, ${expected.acknowledged} acknowledged writes, ${expected.versions.size} versions`);
    assert.ok(expected.acknowledged > KILLS * 10);
  });
});

async function createBuckets(client: S3TestClient): Promise<void> {
  for (const bucket of ["plain", "versioned"])
    assert.equal((await client.call({ method: "PUT", target: `/${bucket}` })).status, 200);
  const body = new TextEncoder().encode("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>");
  assert.equal((await client.call({ method: "PUT", target: "/versioned?versioning", body })).status, 200);
}

/** Writes until the server goes away. */
async function work(
  client: S3TestClient,
  id: number,
  prng: Prng,
  expected: Expectations,
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    const key = `/plain/client-${id}/key-${prng.below(KEYS_A_CLIENT)}`;
    try {
      const choice = prng.unit();
      if (choice < 0.6) await put(client, key, bodyOf(prng), expected);
      else if (choice < 0.75) await remove(client, key, expected);
      else if (choice < 0.77) await upload(client, key, prng, expected);
      else await putVersion(client, `/versioned/client-${id}/key-${prng.below(KEYS_A_CLIENT)}`, bodyOf(prng), expected);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      return;
    }
  }
}

/** Inline, needle and extent sizes. */
function bodyOf(prng: Prng): Uint8Array {
  const length = prng.pick([0, 100, 4096, 4097, 20_000, 70_000, 300_000]);
  const bytes = prng.bytes(Math.min(length, 512));
  const body = new Uint8Array(length);
  for (let at = 0; at < length; at += 512) body.set(bytes.subarray(0, Math.min(512, length - at)), at);
  return body;
}

async function put(client: S3TestClient, key: string, body: Uint8Array, expected: Expectations): Promise<void> {
  const hash = toHex(sha256(body));
  expected.begin(key, hash);
  const answer = await client.call({ method: "PUT", target: key, body });
  assert.equal(answer.status, 200, new TextDecoder().decode(answer.body));
  expected.settle(key, hash);
}

async function remove(client: S3TestClient, key: string, expected: Expectations): Promise<void> {
  expected.begin(key, null);
  const answer = await client.call({ method: "DELETE", target: key });
  assert.equal(answer.status, 204);
  expected.settle(key, null);
}

async function upload(client: S3TestClient, key: string, prng: Prng, expected: Expectations): Promise<void> {
  const created = await client.call({ method: "POST", target: `${key}?uploads` });
  const uploadId = /<UploadId>([^<]+)</.exec(new TextDecoder().decode(created.body))![1]!;
  const first = new Uint8Array(5 * 1024 * 1024).fill(prng.below(256));
  const last = bodyOf(prng);
  const etags: string[] = [];
  for (const [at, body] of [first, last].entries()) {
    const answer = await client.call({
      method: "PUT",
      target: `${key}?partNumber=${at + 1}&uploadId=${uploadId}`,
      body,
    });
    assert.equal(answer.status, 200, new TextDecoder().decode(answer.body));
    etags.push(String(answer.headers["etag"]));
  }
  const hash = toHex(sha256(first, last));
  expected.begin(key, hash);
  const parts = etags.map((etag, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>${etag}</ETag></Part>`).join("");
  const body = new TextEncoder().encode(`<CompleteMultipartUpload>${parts}</CompleteMultipartUpload>`);
  const answer = await client.call({ method: "POST", target: `${key}?uploadId=${uploadId}`, body });
  assert.equal(answer.status, 200, new TextDecoder().decode(answer.body));
  assert.match(new TextDecoder().decode(answer.body), /CompleteMultipartUploadResult/);
  expected.settle(key, hash);
}

async function putVersion(client: S3TestClient, key: string, body: Uint8Array, expected: Expectations): Promise<void> {
  const answer = await client.call({ method: "PUT", target: key, body });
  assert.equal(answer.status, 200, new TextDecoder().decode(answer.body));
  expected.versions.set(`${key}?versionId=${answer.headers["x-amz-version-id"]}`, toHex(sha256(body)));
  expected.acknowledged++;
}

async function verify(client: S3TestClient, expected: Expectations, round: number): Promise<void> {
  const listed = await listAll(client);
  await inParallel([...expected.keys], 16, async ([key, states]) => {
    const answer = await client.call({ method: "GET", target: key });
    assert.ok(answer.status === 200 || answer.status === 404, `${key}: ${answer.status} in round ${round}`);
    const found = answer.status === 404 ? null : toHex(sha256(answer.body));
    assert.ok(states.has(found), `round ${round}: ${key} holds ${found}, expected one of ${[...states].join(", ")}`);
    assert.equal(listed.has(key.slice("/plain/".length)), found !== null, `round ${round}: the listing of ${key}`);
    expected.keys.set(key, new Set([found]));
  });
  await inParallel([...expected.versions], 16, async ([target, hash]) => {
    const answer = await client.call({ method: "GET", target });
    assert.equal(answer.status, 200, `round ${round}: ${target}`);
    assert.equal(toHex(sha256(answer.body)), hash, `round ${round}: ${target}`);
  });
}

async function listAll(client: S3TestClient): Promise<Set<string>> {
  const keys = new Set<string>();
  for (let token = ""; ; ) {
    const more = token === "" ? "" : `&continuation-token=${encodeURIComponent(token)}`;
    const answer = await client.call({ method: "GET", target: `/plain?list-type=2&max-keys=100${more}` });
    const xml = new TextDecoder().decode(answer.body);
    for (const match of xml.matchAll(/<Key>([^<]+)<\/Key>/g)) keys.add(match[1]!);
    const next = /<NextContinuationToken>([^<]+)</.exec(xml);
    if (next === null) return keys;
    token = next[1]!;
  }
}

async function inParallel<T>(items: readonly T[], width: number, run: (item: T) => Promise<void>): Promise<void> {
  let at = 0;
  const lane = async (): Promise<void> => {
    while (at < items.length) await run(items[at++]!);
  };
  await Promise.all(Array.from({ length: width }, lane));
}
