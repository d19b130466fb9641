import type { BlobAppend, Blobs } from "../../blob/index.ts";
import type { Compute, Hasher, HashName } from "../../env/index.ts";
import { equalBytes, toHex } from "../../std/bytes.ts";
import { type ByteSource, collect } from "../../std/source.ts";
import { objectFailure } from "./errors.ts";
import { type Body, OBJECT_LIMITS, type StoredChecksum } from "./objects.ts";

/** A body that has arrived whole, with the digests that were announced. Durable, but nothing names it yet. */
export interface Received extends Disposable {
  readonly size: number;
  readonly etag: string;
  readonly checksum: StoredChecksum | undefined;
  /** Exactly one of the two. */
  readonly inline: Uint8Array | undefined;
  readonly append: BlobAppend | undefined;
}

/** Small bodies stay in memory for their row (where `inlineAllowed`), larger ones go to Blobs while their hashes run. */
export async function receiveBody(
  { blobs, compute }: { readonly blobs: Blobs; readonly compute: Compute },
  key: Uint8Array,
  body: Body,
  inlineAllowed: boolean,
): Promise<Received> {
  if (body.length > OBJECT_LIMITS.putBytesMax) throw objectFailure("TOO_LARGE", { data: { bytes: body.length } });
  using hasher = compute.hasher(hashesOf(body), body.length);
  const source = new HashedSource(body.source, hasher);
  if (inlineAllowed && body.length <= OBJECT_LIMITS.inlineBytesMax) {
    const inline = await collect(source, body.length);
    if (inline?.length !== body.length) throw objectFailure("BODY_INCOMPLETE", { data: { announced: body.length } });
    return { ...(await verify(body, hasher)), inline, append: undefined, [Symbol.dispose]: () => {} };
  }
  const append = await blobs.append(key, source, body.length);
  try {
    await expectEnd(source);
    return {
      ...(await verify(body, hasher)),
      inline: undefined,
      append,
      [Symbol.dispose]: () => append[Symbol.dispose](),
    };
  } catch (error) {
    append[Symbol.dispose]();
    throw new RefusedBody(append, error);
  }
}

/** The body was stored, then found wrong: the caller drops the refs and throws the cause. */
export class RefusedBody extends Error {
  override readonly name = "RefusedBody";
  readonly append: BlobAppend;

  constructor(append: BlobAppend, cause: unknown) {
    super("the body was refused", { cause });
    this.append = append;
  }
}

function hashesOf({ checksum, expected }: Body): HashName[] {
  const names: HashName[] = ["md5"];
  if (expected.sha256 !== undefined || checksum?.algorithm === "sha256") names.push("sha256");
  if (checksum !== undefined && checksum.algorithm !== "sha256") names.push(checksum.algorithm);
  return names;
}

async function verify(body: Body, hasher: Hasher): Promise<Pick<Received, "size" | "etag" | "checksum">> {
  const digests = await hasher.digest();
  const md5 = digests.get("md5")!;
  const { expected } = body;
  if (expected.md5 !== undefined && !equalBytes(expected.md5, md5)) throw objectFailure("DIGEST_MISMATCH");
  if (expected.sha256 !== undefined && !equalBytes(expected.sha256, digests.get("sha256")!)) {
    throw objectFailure("SHA256_MISMATCH");
  }
  return { size: body.length, etag: toHex(md5), checksum: verifyChecksum(body, digests) };
}

function verifyChecksum({ checksum }: Body, digests: ReadonlyMap<HashName, Uint8Array>): StoredChecksum | undefined {
  if (checksum === undefined) return undefined;
  const { algorithm } = checksum;
  const value = digests.get(algorithm)!;
  const announced = checksum.value();
  if (announced !== undefined && !equalBytes(announced, value)) {
    throw objectFailure("CHECKSUM_MISMATCH", { data: { algorithm } });
  }
  return { algorithm, type: "full-object", value };
}

/** The transport reports what lies behind the last byte (trailers, a bad last chunk) only when it is read to its end. */
async function expectEnd(source: ByteSource): Promise<void> {
  if ((await source.read()) !== null)
    throw objectFailure("BODY_INCOMPLETE", { what: "The body is longer than announced." });
}

class HashedSource implements ByteSource {
  readonly #source: ByteSource;
  readonly #hasher: Hasher;

  constructor(source: ByteSource, hasher: Hasher) {
    this.#source = source;
    this.#hasher = hasher;
  }

  async read(): Promise<Uint8Array | null> {
    const chunk = await this.#source.read();
    if (chunk === null) return null;
    const taken = this.#hasher.update(chunk);
    if (taken !== undefined) await taken;
    return chunk;
  }

  cancel(reason?: unknown): void {
    this.#source.cancel(reason);
  }
}
