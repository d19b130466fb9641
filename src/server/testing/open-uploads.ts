import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { parseXml } from "../../codec/xml/index.ts";
import { utf8 } from "../../std/bytes.ts";
import type { Prng } from "../../std/prng.ts";
import type { S3TestClient } from "../../testing/s3-client.ts";
import { expectStatus, hashOf, headerOf, inParallel } from "./calls.ts";
import { listParts, listUploads } from "./listings.ts";
import type { PlainKeys } from "./plain-keys.ts";

const BUCKET = "plain";
const PARTS_MAX = 4;
/** S3's least size of a part that is not the last one. */
const FULL_PART_BYTES = 5 * 1024 * 1024;

interface Part {
  readonly etag: string;
  readonly body: Uint8Array;
}

interface Upload {
  readonly key: string;
  readonly id: string;
  /** What a part may be: several, or undefined for none, only while a request about it got no answer. */
  readonly parts: Map<number, readonly (Part | undefined)[]>;
  /** A completion or an abort got no answer; the hash of the object that the former makes. */
  ending?: { readonly hash: string | undefined };
}

/** Uploads in parts, as their clients know them. A client has one open at a time, and goes on with it after a kill. */
export class OpenUploads {
  readonly #plain: PlainKeys;
  readonly #byClient = new Map<number, Upload>();
  /** Keys for which a creation got no answer. */
  readonly #creating = new Set<string>();
  acknowledgedParts = 0;
  foundParts = 0;

  constructor(plain: PlainKeys) {
    this.#plain = plain;
  }

  /** Begins the client's upload, or sends a part of it, the same one again perhaps, or completes or aborts it. */
  async step(client: S3TestClient, owner: number, prng: Prng, key: string): Promise<void> {
    const upload = this.#byClient.get(owner);
    if (upload === undefined) return this.#create(client, owner, key);
    const choice = prng.unit();
    if (choice < 0.65 || upload.parts.size === 0) return this.#putPart(client, upload, prng);
    if (choice < 0.92) return this.#complete(client, owner, upload);
    return this.#abort(client, owner, upload);
  }

  /**
   * After the plain keys were verified. Each open upload is listed exactly once with its parts and nothing else; one
   * whose completion got no answer is open, or its object is there. An upload that only the server knows is aborted.
   */
  async verify(client: S3TestClient): Promise<void> {
    const listed = await listUploads(client, BUCKET);
    for (const [owner, upload] of [...this.#byClient]) {
      const found = listed.delete(upload.id);
      const { ending } = upload;
      assert.ok(found || ending !== undefined, `the upload ${upload.id} is gone`);
      const hash = ending?.hash;
      if (hash !== undefined)
        assert.equal(this.#plain.holds(upload.key, hash), !found, `completed halfway: ${upload.key}`);
      delete upload.ending;
      if (!found) this.#byClient.delete(owner);
    }
    await inParallel(this.#byClient.values(), 8, (upload) => this.#verifyParts(client, upload));
    for (const { key, id } of listed.values()) {
      assert.ok(this.#creating.delete(key), `the upload ${id} of ${key} is listed, and nobody has it open`);
      await expectStatus(client, 204, { method: "DELETE", target: `/${BUCKET}/${key}?uploadId=${id}` });
    }
    this.#creating.clear();
  }

  async #create(client: S3TestClient, owner: number, key: string): Promise<void> {
    this.#creating.add(key);
    const answer = await expectStatus(client, 200, { method: "POST", target: `/${BUCKET}/${key}?uploads` });
    const id = parseXml(answer.body, { bytesMax: 10_000 }).required("UploadId").text();
    this.#creating.delete(key);
    this.#byClient.set(owner, { key, id, parts: new Map() });
  }

  async #putPart(client: S3TestClient, { key, id, parts }: Upload, prng: Prng): Promise<void> {
    const number = 1 + prng.below(PARTS_MAX);
    const body = new Uint8Array(prng.chance(0.2) ? FULL_PART_BYTES : prng.pick([100, 5000, 70_000])).fill(
      prng.below(256),
    );
    body.set(prng.bytes(64));
    const part = { etag: `"${createHash("md5").update(body).digest("hex")}"`, body };
    parts.set(number, [parts.get(number)?.[0], part]);
    const target = `/${BUCKET}/${key}?partNumber=${number}&uploadId=${id}`;
    const answer = await expectStatus(client, 200, { method: "PUT", target, body });
    assert.equal(headerOf(answer, "etag"), part.etag);
    parts.set(number, [part]);
    this.acknowledgedParts++;
  }

  async #complete(client: S3TestClient, owner: number, upload: Upload): Promise<void> {
    const chosen = completable(upload);
    const hash = hashOf(...chosen.map(([, { body }]) => body));
    const xml = chosen.map(
      ([number, { etag }]) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`,
    );
    const body = utf8(`<CompleteMultipartUpload>${xml.join("")}</CompleteMultipartUpload>`);
    upload.ending = { hash };
    const target = `/${BUCKET}/${upload.key}?uploadId=${upload.id}`;
    await this.#plain.change(upload.key, hash, async () => {
      const answer = await expectStatus(client, 200, { method: "POST", target, body });
      assert.equal(parseXml(answer.body, { bytesMax: 10_000 }).name, "CompleteMultipartUploadResult");
    });
    this.#byClient.delete(owner);
  }

  async #abort(client: S3TestClient, owner: number, upload: Upload): Promise<void> {
    upload.ending = { hash: undefined };
    await expectStatus(client, 204, { method: "DELETE", target: `/${BUCKET}/${upload.key}?uploadId=${upload.id}` });
    this.#byClient.delete(owner);
  }

  async #verifyParts(client: S3TestClient, upload: Upload): Promise<void> {
    const { key, id, parts } = upload;
    const listed = new Map((await listParts(client, BUCKET, upload)).map(({ number, etag }) => [number, etag]));
    for (const number of listed.keys()) assert.ok(parts.has(number), `part ${number} of ${id} was never sent`);
    for (const [number, states] of [...parts]) {
      const etag = listed.get(number);
      assert.ok(
        states.some((part) => part?.etag === etag),
        `part ${number} of ${key}, ${id}, is listed with ${etag}`,
      );
      const part = states.find((each) => each?.etag === etag);
      if (part === undefined) parts.delete(number);
      else parts.set(number, [part]);
    }
    this.foundParts += parts.size;
  }
}

/** All full parts, and the first short one behind them: what S3 lets a completion name. */
function completable({ parts }: Upload): [number, Part][] {
  const present = [...parts]
    .sort(([left], [right]) => left - right)
    .map(([number, [part]]): [number, Part] => [number, part!]);
  const full = present.filter(([, { body }]) => body.length >= FULL_PART_BYTES);
  const last = present.find(([number, { body }]) => body.length < FULL_PART_BYTES && number > (full.at(-1)?.[0] ?? 0));
  return last === undefined ? full : [...full, last];
}
