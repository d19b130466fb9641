import type { PostForm } from "../../codec/multipart-form/index.ts";
import type { Hasher, HashName } from "../../env/index.ts";
import type { Body, CompletePart, ObjectMetadata, PutResult, Tags } from "../../service/objects/index.ts";
import { concatBytes, equalBytes } from "../../std/bytes.ts";
import { type ByteSource, sourceOf } from "../../std/source.ts";
import type { announcedChecksum } from "./checksums.ts";
import { s3Failure } from "./errors.ts";
import type { Ports } from "./operator.ts";

/** What is held of a file before it is stored. A file of a form has no length until the boundary behind it has come. */
const PIECE_BYTES = 8 * 1024 * 1024;
const PARTS_MAX = 10_000;

/**
 * A browser's upload: a form whose fields say where the file goes, and whose signature covers a policy about the
 * fields.
 */
export interface FormUpload {
  readonly bucket: string;
  readonly key: string;
  readonly owner: string;
  readonly file: PostForm["file"]["body"];
  readonly metadata: ObjectMetadata;
  readonly tags: Tags | undefined;
  readonly checksum: ReturnType<typeof announcedChecksum>;
  readonly fields: ReadonlyMap<string, string>;
}

/** Stores a file of at most one piece as an object; a longer one as an upload of parts of one piece each. */
export async function storeForm(request: FormUpload, ports: Ports): Promise<PutResult> {
  using _memory = ports.formMemory.take(PIECE_BYTES);
  const pieces = new Pieces(request.file);
  const first = await pieces.next();
  if (pieces.ended) return storeWhole(request, first, ports);
  return storeParts(request, first, pieces, ports);
}

function storeWhole(request: FormUpload, content: Uint8Array, { objects }: Ports): Promise<PutResult> {
  const { bucket, key, metadata, tags, checksum } = request;
  const body: Body = {
    ...bodyOf(content),
    ...(checksum && { checksum: { algorithm: checksum.algorithm, value: () => checksum.value } }),
  };
  return objects.put({ bucket, key, body, metadata, ...(tags && { tags }) });
}

async function storeParts(
  request: FormUpload,
  first: Uint8Array,
  pieces: Pieces,
  { objects, compute }: Ports,
): Promise<PutResult> {
  const { bucket, key, owner, metadata, tags, checksum } = request;
  const { uploadId } = await objects.createUpload({ bucket, key, owner, metadata, ...(tags && { tags }) });
  const name = { bucket, key, uploadId };
  const hashes: HashName[] = checksum === undefined ? [] : [checksum.algorithm];
  try {
    using hasher = compute.hasher(hashes, PIECE_BYTES * 2);
    const parts: CompletePart[] = [];
    for (let piece = first; ; piece = await pieces.next()) {
      if (parts.length === PARTS_MAX) throw s3Failure("EntityTooLarge");
      await hasher.update(piece);
      const part = await objects.putPart({ ...name, partNumber: parts.length + 1, body: bodyOf(piece) });
      parts.push({ partNumber: part.partNumber, etag: part.etag });
      if (pieces.ended) break;
    }
    await verify(request, hasher);
    return await objects.completeUpload({ ...name, parts });
  } catch (error) {
    await objects.abortUpload(name).catch(() => {});
    throw error;
  }
}

async function verify({ checksum }: FormUpload, hasher: Hasher): Promise<void> {
  const digests = await hasher.digest();
  if (checksum?.value === undefined) return;
  if (!equalBytes(checksum.value, digests.get(checksum.algorithm)!)) throw s3Failure("BadDigest");
}

function bodyOf(content: Uint8Array): Body {
  return { source: sourceOf(content), length: content.length, expected: {} };
}

/** Cuts a source into pieces of one length; only the last is shorter. */
class Pieces {
  readonly #source: ByteSource;
  #rest: Uint8Array | null = new Uint8Array(0);

  constructor(source: ByteSource) {
    this.#source = source;
  }

  get ended(): boolean {
    return this.#rest === null;
  }

  /** Reads on until it is known whether more follows. */
  async next(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    while (this.#rest !== null) {
      const taken = this.#rest.subarray(0, PIECE_BYTES - length);
      if (taken.length > 0) chunks.push(taken.slice());
      length += taken.length;
      if (taken.length < this.#rest.length) {
        this.#rest = this.#rest.slice(taken.length);
        break;
      }
      this.#rest = await this.#source.read();
    }
    return concatBytes(chunks);
  }
}
