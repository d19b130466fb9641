// Uploads of any length. Up to the limit of one PUT the body is stored as it comes; a longer one is cut into parts on its way, and one
// that does not say its length is collected in parts of 8 MiB. Parts go through the service's multipart upload: nothing of the object
// is visible before all of it is there, and what a broken upload left behind is taken away.

import type { Compute, HashName } from "../../env/index.ts";
import {
  type Body,
  type BodyChecksum,
  type CompletePart,
  type Conditions,
  type ExpectedDigests,
  OBJECT_LIMITS,
  type ObjectMetadata,
  type Objects,
  objectFailure,
  type PutResult,
} from "../../service/objects/index.ts";
import { EMPTY, equalBytes, fromBase64, fromHex } from "../../std/bytes.ts";
import { type ByteSource, sourceOf } from "../../std/source.ts";
import { type HttpCall, httpFailure, listOf, parseLength } from "../http/index.ts";
import type { Caller } from "./authenticate.ts";
import { readConditions } from "./conditional.ts";
import { apiFailure } from "./errors.ts";
import { readMetadata } from "./object-shape.ts";
import { invalid } from "./validate.ts";

export interface UploadRequest {
  readonly bucket: string;
  readonly key: string;
  readonly call: HttpCall;
  readonly caller: Caller;
}

const MIB = 1_048_576;
/** Of a body whose length is known. */
const LONG_PART_BYTES = 1024 * MIB;
/** Memory of an upload whose length is not known. */
export const COLLECTED_PART_BYTES = 8_388_608;
/** Uploads of unknown length at once. */
const COLLECTING_MAX = 16;

interface Digests {
  readonly expected: ExpectedDigests;
  readonly checksum: BodyChecksum | undefined;
}

interface Incoming extends Digests {
  readonly bucket: string;
  readonly key: string;
  readonly owner: string;
  readonly metadata: ObjectMetadata;
  readonly conditions: Conditions | undefined;
  readonly source: ByteSource;
}

export class Uploads {
  readonly #objects: Objects;
  readonly #compute: Compute;
  readonly #putBytesMax: number;
  #collecting = 0;

  constructor(objects: Objects, compute: Compute, putBytesMax: number = OBJECT_LIMITS.putBytesMax) {
    this.#objects = objects;
    this.#compute = compute;
    this.#putBytesMax = putBytesMax;
  }

  async put({ bucket, key, call, caller }: UploadRequest): Promise<PutResult> {
    const { headers } = call;
    const announced = headers.get("content-length");
    const length = announced === undefined ? undefined : parseLength(announced);
    if (announced !== undefined && length === undefined) throw httpFailure("HEADER_INVALID", { data: { announced } });
    if (length === undefined && headers.get("transfer-encoding") === undefined) throw apiFailure("LENGTH_REQUIRED");
    const incoming: Incoming = {
      ...{ bucket, key, owner: caller.principal.name, source: call.body },
      metadata: readMetadata(headers),
      conditions: readConditions(headers),
      ...readDigests(headers.get("content-digest"), caller),
    };
    if (length === undefined) return this.#collect(incoming);
    if (length > OBJECT_LIMITS.objectBytesMax) throw objectFailure("TOO_LARGE", { data: { length } });
    if (length <= this.#putBytesMax) return this.#putWhole(incoming, incoming.source, length);
    const cutter = new Cutter(incoming.source);
    const partBytes = Math.max(Math.min(LONG_PART_BYTES, this.#putBytesMax), wholeMib(length / OBJECT_LIMITS.partsMax));
    return this.#putInParts(incoming, async (number) => {
      const left = length - (number - 1) * partBytes;
      return left <= 0 ? undefined : cutter.next(Math.min(left, partBytes));
    });
  }

  #putWhole(incoming: Incoming, source: ByteSource, length: number): Promise<PutResult> {
    const { bucket, key, metadata, conditions, expected, checksum } = incoming;
    const body: Body = { source, length, expected, ...(checksum && { checksum }) };
    return this.#objects.put({ bucket, key, metadata, body, ...(conditions && { conditions }) });
  }

  async #collect(incoming: Incoming): Promise<PutResult> {
    if (this.#collecting >= COLLECTING_MAX) throw apiFailure("UPLOADS_EXHAUSTED", { data: { max: COLLECTING_MAX } });
    this.#collecting++;
    try {
      const cutter = new Cutter(incoming.source);
      const first = await cutter.collect(COLLECTED_PART_BYTES);
      if (first.length < COLLECTED_PART_BYTES) return await this.#putWhole(incoming, sourceOf(first), first.length);
      return await this.#putInParts(incoming, async (number) => {
        const bytes = number === 1 ? first : await cutter.collect(COLLECTED_PART_BYTES);
        return bytes.length === 0 ? undefined : { source: sourceOf(bytes), length: bytes.length };
      });
    } finally {
      this.#collecting--;
    }
  }

  /** `next` gives the part of that number (from 1), undefined behind the last one. */
  async #putInParts(incoming: Incoming, next: (number: number) => Promise<Piece | undefined>): Promise<PutResult> {
    const { bucket, key, owner, metadata, conditions } = incoming;
    const { uploadId } = await this.#objects.createUpload({ bucket, key, owner, metadata });
    try {
      using digests = new StreamDigests(this.#compute, incoming);
      const parts: CompletePart[] = [];
      for (let number = 1; ; number++) {
        const piece = await next(number);
        if (piece === undefined) break;
        if (number > OBJECT_LIMITS.partsMax) throw objectFailure("TOO_LARGE");
        const body: Body = { source: digests.through(piece.source), length: piece.length, expected: {} };
        const { etag } = await this.#objects.putPart({ bucket, key, uploadId, partNumber: number, body });
        parts.push({ partNumber: number, etag });
      }
      await digests.check();
      return await this.#objects.completeUpload({ bucket, key, uploadId, parts, ...(conditions && { conditions }) });
    } catch (error) {
      // The first error is the one to tell; an upload that can not be aborted now is listed as unfinished.
      await this.#objects.abortUpload({ bucket, key, uploadId }).catch(() => {});
      throw error;
    }
  }
}

interface Piece {
  readonly source: ByteSource;
  readonly length: number;
}

/** Cuts a source into pieces of given lengths, one behind the other. */
class Cutter {
  readonly #source: ByteSource;
  #rest: Uint8Array = EMPTY;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** The next `length` bytes; fewer only where the source ends. */
  next(length: number): Piece {
    let left = length;
    const source: ByteSource = {
      read: async () => {
        const chunk = left === 0 ? null : await this.#take(left);
        left -= chunk?.length ?? 0;
        return chunk;
      },
      cancel: (reason) => this.#source.cancel(reason),
    };
    return { source, length };
  }

  async collect(bytesMax: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(bytesMax);
    let length = 0;
    while (length < bytesMax) {
      const chunk = await this.#take(bytesMax - length);
      if (chunk === null) break;
      bytes.set(chunk, length);
      length += chunk.length;
    }
    return bytes.subarray(0, length);
  }

  async #take(bytesMax: number): Promise<Uint8Array | null> {
    const chunk = this.#rest.length > 0 ? this.#rest : await this.#source.read();
    if (chunk === null) return null;
    this.#rest = chunk.subarray(bytesMax);
    return chunk.subarray(0, bytesMax);
  }
}

/** What the client announced about the whole body, where the service sees only its parts. */
class StreamDigests implements Disposable {
  readonly #wanted: ReadonlyMap<HashName, Uint8Array>;
  readonly #hasher: ReturnType<Compute["hasher"]> | undefined;

  constructor(compute: Compute, { expected, checksum }: Digests) {
    const wanted = new Map<HashName, Uint8Array>();
    if (expected.md5 !== undefined) wanted.set("md5", expected.md5);
    if (expected.sha256 !== undefined) wanted.set("sha256", expected.sha256);
    const value = checksum?.value();
    if (checksum !== undefined && value !== undefined) wanted.set(checksum.algorithm, value);
    this.#wanted = wanted;
    this.#hasher = wanted.size === 0 ? undefined : compute.hasher([...wanted.keys()], LONG_PART_BYTES);
  }

  through(source: ByteSource): ByteSource {
    const hasher = this.#hasher;
    if (hasher === undefined) return source;
    return {
      async read() {
        const chunk = await source.read();
        if (chunk !== null) await hasher.update(chunk);
        return chunk;
      },
      cancel: (reason) => source.cancel(reason),
    };
  }

  /** Throws DIGEST_MISMATCH, SHA256_MISMATCH or CHECKSUM_MISMATCH. */
  async check(): Promise<void> {
    const digests = await this.#hasher?.digest();
    for (const [name, value] of this.#wanted) {
      if (equalBytes(digests!.get(name)!, value)) continue;
      throw objectFailure(
        name === "md5" ? "DIGEST_MISMATCH" : name === "sha256" ? "SHA256_MISMATCH" : "CHECKSUM_MISMATCH",
      );
    }
  }

  [Symbol.dispose](): void {
    this.#hasher?.[Symbol.dispose]();
  }
}

const DIGEST_BYTES = { "sha-256": 32, md5: 16, crc32c: 4 } as const;

/** `Content-Digest: sha-256=:BASE64:` (RFC 9530), and what a signature says about the body. */
function readDigests(header: string | undefined, { payload }: Caller): Digests {
  if (payload.kind === "chunks-signed" || payload.kind === "chunks-unsigned") {
    throw invalid("header x-amz-content-sha256", "has to be the body's SHA-256 or UNSIGNED-PAYLOAD here");
  }
  const expected: { sha256?: Uint8Array; md5?: Uint8Array } = {};
  let checksum: BodyChecksum | undefined;
  if (payload.kind === "sha256") expected.sha256 = fromHex(payload.sha256)!;
  for (const member of listOf(header)) {
    const match = /^([a-z0-9-]+)=:([A-Za-z0-9+/=]*):$/.exec(member);
    const name = match?.[1] as keyof typeof DIGEST_BYTES | undefined;
    const value = match === null ? undefined : fromBase64(match[2]!);
    if (name === undefined || value === undefined || value.length !== DIGEST_BYTES[name]) {
      throw invalid("header Content-Digest", "has to be of the form sha-256=:BASE64:, with sha-256, md5 or crc32c");
    }
    if (name === "crc32c") checksum = { algorithm: "crc32c", value: () => value };
    else if (name === "md5") expected.md5 = value;
    else if (expected.sha256 !== undefined && !equalBytes(expected.sha256, value))
      throw objectFailure("SHA256_MISMATCH");
    else expected.sha256 = value;
  }
  return { expected, checksum };
}

function wholeMib(bytes: number): number {
  return Math.ceil(bytes / MIB) * MIB;
}
