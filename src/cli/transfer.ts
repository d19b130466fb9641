// Objects up and down, verified end to end: the MD5 of what was sent or received is compared with the object's etag, where that is one
// (the etag of an object that was stored in parts is none).

import { createHash, type Hash } from "node:crypto";
import { EMPTY, text } from "../std/bytes.ts";
import { type ByteSource, collect } from "../std/source.ts";
import type { ApiClient } from "./api-client.ts";
import { cliFailure } from "./errors.ts";
import { sourceOfFile, writeFileWhole, writeStandardOutput } from "./local-files.ts";
import type { Progress } from "./progress.ts";

export interface Place {
  readonly bucket: string;
  /** Empty where only a bucket is named. */
  readonly key: string;
}

export interface TransferParts {
  readonly client: ApiClient;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface UploadOrder extends Place {
  readonly path: string;
  /** Undefined where it is not known before the end. */
  readonly bytes: number | undefined;
  readonly contentType: string | undefined;
}

export interface Uploaded {
  readonly etag: string;
  readonly sizeBytes: number;
  readonly versionId?: string | undefined;
}

/** `BUCKET/KEY`: the key is everything behind the first slash. */
export function parsePlace(text: string): Place {
  const bare = text.replace(/^(?:s3|ashlar):\/\//, "");
  const slash = bare.indexOf("/");
  return slash === -1 ? { bucket: bare, key: "" } : { bucket: bare.slice(0, slash), key: bare.slice(slash + 1) };
}

/** As parsePlace, where a key is needed. Throws USAGE_ARGUMENTS. */
export function parseObject(text: string): Place {
  const place = parsePlace(text);
  if (place.key !== "") return place;
  throw cliFailure("USAGE_ARGUMENTS", { what: `${text} names no object: it has to be BUCKET/KEY.` });
}

export async function upload(order: UploadOrder, { client, progress, signal }: TransferParts): Promise<Uploaded> {
  const { bucket, key, path, bytes, contentType } = order;
  const hashed = new HashedSource(progress.of(sourceOfFile(path)));
  const reply = await client.stream(
    "PUT /v1/buckets/{bucket}/object",
    { path: { bucket }, query: { key } },
    { body: hashed, bodyBytes: bytes, signal, headers: contentType === undefined ? [] : ["content-type", contentType] },
  );
  const stored = await readReply(reply.body);
  requireSame(stored.etag, hashed, `${bucket}/${key}`);
  return stored;
}

/** `target` is a path, or `-`. */
export async function download(
  place: Place,
  target: string,
  parts: TransferParts,
  versionId?: string,
): Promise<number> {
  const { client, progress, signal } = parts;
  const { bucket, key } = place;
  const input = { path: { bucket }, query: { key, versionId } };
  const reply = await client.stream("GET /v1/buckets/{bucket}/object", input, { signal });
  const hashed = new HashedSource(progress.of(reply.body));
  const etag = (reply.header("etag") ?? "").replace(/"/g, "");
  const expectedBytes = Number(reply.header("content-length") ?? Number.NaN);
  const check = (): void => {
    if (hashed.bytes !== expectedBytes) {
      throw cliFailure("TRANSFER_INCOMPLETE", { what: `${bucket}/${key} broke off after ${hashed.bytes} bytes.` });
    }
    requireSame(etag, hashed, `${bucket}/${key}`);
  };
  if (target === "-") {
    await writeStandardOutput(hashed);
    check();
  } else await writeFileWhole(target, hashed, check);
  return hashed.bytes;
}

/** Runs `work` over all items, some at a time; the first error ends it. */
export async function inParallel<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  width: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const iterator = (async function* () {
    yield* items;
  })();
  const lane = async (): Promise<void> => {
    for (;;) {
      const next = await iterator.next();
      if (next.done) return;
      await work(next.value);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
}

/** A source that hashes and counts what is read from it. */
class HashedSource implements ByteSource {
  bytes = 0;
  readonly #source: ByteSource;
  readonly #hash: Hash = createHash("md5");

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Once, at the end. */
  digest(): string {
    return this.#hash.digest("hex");
  }

  async read(): Promise<Uint8Array | null> {
    const chunk = await this.#source.read();
    if (chunk === null) return null;
    this.#hash.update(chunk);
    this.bytes += chunk.length;
    return chunk;
  }

  cancel(reason?: unknown): void {
    this.#source.cancel(reason);
  }
}

function requireSame(etag: string, hashed: HashedSource, name: string): void {
  if (!/^[0-9a-f]{32}$/.test(etag) || hashed.digest() === etag) return;
  throw cliFailure("TRANSFER_INCOMPLETE", { what: `${name} arrived with other bytes than were sent.` });
}

async function readReply(body: ByteSource): Promise<Uploaded> {
  const bytes = await collect(body, 65_536);
  return JSON.parse(text(bytes ?? EMPTY)) as Uploaded;
}
