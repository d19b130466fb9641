// Reads a backup's files in their order, from an archive or from a folder that one was unpacked into.

import type { Disk } from "../../../env/index.ts";
import { EMPTY } from "../../../std/bytes.ts";
import { hasCode } from "../../../std/errors.ts";
import type { ByteSource } from "../../../std/source.ts";
import { backupFailure } from "./errors.ts";
import { decodeManifest, MANIFEST_NAME, PROOF_NAME } from "./manifest.ts";
import { parseTarHeader, TAR_BLOCK_BYTES, tarPadding } from "./tar.ts";

export interface BackupPiece {
  readonly name: string;
  readonly bytes: number;
  /** Must be read to its end before the next file is asked for. */
  readonly content: ByteSource;
}

export type BackupPieces = AsyncIterable<BackupPiece>;

const SLICE_BYTES = 1_048_576;

/** Rejects with BACKUP_MALFORMED or BACKUP_INCOMPLETE. */
export async function* piecesOfArchive(source: ByteSource): AsyncGenerator<BackupPiece, void, void> {
  const reader = new ExactReader(source);
  try {
    for (let first = true; ; first = false) {
      const header = await reader.exactly(TAR_BLOCK_BYTES);
      if (header.every((byte) => byte === 0)) return;
      const entry = parseTarHeader(header);
      if (entry === undefined) throw backupFailure(first ? "BACKUP_MALFORMED" : "BACKUP_DAMAGED");
      const content = new PieceSource(reader, entry.bytes);
      yield { name: entry.name, bytes: entry.bytes, content };
      await content.drain();
      await reader.exactly(tarPadding(entry.bytes));
    }
  } finally {
    source.cancel();
  }
}

/** Rejects with BACKUP_MALFORMED where the folder has no manifest, with BACKUP_INCOMPLETE where a file is missing. */
export async function* piecesOfFolder(disk: Disk): AsyncGenerator<BackupPiece, void, void> {
  const manifest = await wholeFile(disk, MANIFEST_NAME, "BACKUP_MALFORMED");
  yield manifest.piece;
  const decoded = decodeManifest(manifest.bytes);
  // What is wrong with it is for the restore to say.
  if (decoded === undefined || decoded === "newer") return;
  for (const name of [...decoded.files.map((file) => file.name), PROOF_NAME]) {
    const file = await open(disk, name, "BACKUP_INCOMPLETE");
    try {
      const bytes = await file.length();
      let at = 0;
      const content: ByteSource = {
        async read() {
          if (at >= bytes) return null;
          const slice = await file.read(at, Math.min(SLICE_BYTES, bytes - at));
          at += slice.length;
          return slice;
        },
        cancel() {
          at = bytes;
        },
      };
      yield { name, bytes, content };
    } finally {
      await file.close();
    }
  }
}

async function wholeFile(
  disk: Disk,
  name: string,
  missing: "BACKUP_MALFORMED",
): Promise<{ readonly piece: BackupPiece; readonly bytes: Uint8Array }> {
  const file = await open(disk, name, missing);
  try {
    const bytes = await file.read(0, await file.length());
    let given = false;
    const content: ByteSource = {
      async read() {
        if (given || bytes.length === 0) return null;
        given = true;
        return bytes;
      },
      cancel() {},
    };
    return { piece: { name, bytes: bytes.length, content }, bytes };
  } finally {
    await file.close();
  }
}

async function open(disk: Disk, name: string, missing: "BACKUP_MALFORMED" | "BACKUP_INCOMPLETE") {
  try {
    return await disk.open(name, "read");
  } catch (cause) {
    if (hasCode(cause, "FILE_MISSING")) throw backupFailure(missing, { data: { name }, cause });
    throw cause;
  }
}

/** Cuts a source into pieces of given lengths. */
class ExactReader {
  readonly #source: ByteSource;
  #rest: Uint8Array = EMPTY;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Between 1 and `bytesMax` bytes, valid until the next call. */
  async some(bytesMax: number): Promise<Uint8Array> {
    if (this.#rest.length === 0) {
      const chunk = await this.#source.read();
      if (chunk === null) throw backupFailure("BACKUP_INCOMPLETE");
      this.#rest = chunk;
    }
    const taken = this.#rest.subarray(0, bytesMax);
    this.#rest = this.#rest.subarray(taken.length);
    return taken;
  }

  async exactly(bytes: number): Promise<Uint8Array> {
    const whole = new Uint8Array(bytes);
    for (let at = 0; at < bytes; ) {
      const taken = await this.some(bytes - at);
      whole.set(taken, at);
      at += taken.length;
    }
    return whole;
  }
}

class PieceSource implements ByteSource {
  readonly #reader: ExactReader;
  #left: number;

  constructor(reader: ExactReader, bytes: number) {
    this.#reader = reader;
    this.#left = bytes;
  }

  async read(): Promise<Uint8Array | null> {
    if (this.#left === 0) return null;
    const taken = await this.#reader.some(this.#left);
    this.#left -= taken.length;
    return taken;
  }

  async drain(): Promise<void> {
    while ((await this.read()) !== null);
  }

  cancel(): void {}
}
