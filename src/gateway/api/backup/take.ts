// Takes a backup of a running node: one archive of the Store's rows as they are at one moment, and of the volumes that they refer to.
//
// Why it is consistent although writes go on: a row is committed after the bytes that it refers to are synced. So of a volume nothing
// is needed but what was settled (`VolumeStatus.bytes`) when the rows were frozen, and the length is asked after that. Compaction and
// removal can not take a file away: each is held open from before the rows are frozen, and what has come meanwhile is opened after.

import { listVolumeFiles, type VolumeStatus } from "../../../blob/index.ts";
import type { Clock, Disk, DiskFile } from "../../../env/index.ts";
import { crc32c } from "../../../std/checksums/index.ts";
import { hasCode } from "../../../std/errors.ts";
import { type ByteSource, sourceFrom } from "../../../std/source.ts";
import {
  type BackupManifest,
  CHECKPOINT_NAME,
  encodeDocument,
  MANIFEST_NAME,
  newManifest,
  PROOF_NAME,
} from "./manifest.ts";
import { encodeTarHeader, TAR_BLOCK_BYTES, TAR_END, tarPadding } from "./tar.ts";

export interface BackupParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly version: string;
  readonly node: string;
  /** Small files at the top of the data directory that say who the node is. */
  readonly identityFiles: readonly string[];
  /** Writes all rows as they are now to a new file of the disk. */
  readonly writeRows: (name: string, signal: AbortSignal) => Promise<unknown>;
  readonly volumes: () => readonly Pick<VolumeStatus, "volume" | "generation" | "bytes" | "state">[];
}

export interface Backup {
  readonly manifest: BackupManifest;
  /** Of the whole archive. */
  readonly bytes: number;
  /** Read or cancel it: it holds files open until then. */
  readonly source: ByteSource;
  /** Resolves when nothing is held any more. */
  readonly ended: Promise<void>;
}

const FOLDER = "backup";
const ROWS_FILE = `${FOLDER}/rows`;
const SLICE_BYTES = 1_048_576;

export async function takeBackup(parts: BackupParts, signal: AbortSignal): Promise<Backup> {
  const { disk, clock, version, node } = parts;
  await using held = new AsyncDisposableStack();
  const volumes = new VolumeHolds(parts);
  held.defer(() => volumes.close());
  await volumes.hold();
  await disk.makeDirectory(FOLDER);
  await removeRows(disk);
  held.defer(() => removeRows(disk));
  await parts.writeRows(ROWS_FILE, signal);
  await volumes.hold();

  const files: HeldFile[] = [];
  for (const name of parts.identityFiles) {
    const file = await openIfThere(disk, name);
    if (file === undefined) continue;
    held.defer(() => file.close());
    files.push({ name, file, bytes: await file.length() });
  }
  const rows = await disk.open(ROWS_FILE, "read");
  held.defer(() => rows.close());
  files.push({ name: CHECKPOINT_NAME, file: rows, bytes: await rows.length() });
  files.push(...(await volumes.files()));

  const listed = files.map(({ name, bytes }) => ({ name, bytes }));
  const manifest = newManifest({ version, node, createdMillis: clock.now(), files: listed });
  const source = new OwningSource(sourceFrom(archive(manifest, files)), held.move());
  return { manifest, bytes: archiveBytes(manifest), source, ended: source.ended };
}

/** Lets go of what it was made from once it has ended, broken off or was cancelled, also before its first read. */
class OwningSource implements ByteSource {
  readonly ended: Promise<void>;
  readonly #source: ByteSource;
  readonly #owned: AsyncDisposableStack;
  #onEnded: () => void = () => {};

  constructor(source: ByteSource, owned: AsyncDisposableStack) {
    this.#source = source;
    this.#owned = owned;
    this.ended = new Promise((resolve) => (this.#onEnded = resolve));
  }

  async read(): Promise<Uint8Array | null> {
    try {
      const chunk = await this.#source.read();
      if (chunk === null) await this.#end();
      return chunk;
    } catch (error) {
      await this.#end();
      throw error;
    }
  }

  cancel(): void {
    this.#source.cancel();
    void this.#end();
  }

  /** What can not be closed or removed now is for the next backup to try again. */
  async #end(): Promise<void> {
    await this.#owned.disposeAsync().catch(() => {});
    this.#onEnded();
  }
}

interface HeldFile {
  readonly name: string;
  readonly file: DiskFile;
  readonly bytes: number;
}

interface HeldVolume {
  readonly name: string;
  readonly file: DiskFile;
  /** As of the last look; undefined where that look did not find it any more: then the whole file counts. */
  bytes: number | undefined;
}

/** Keeps files of volumes open. */
class VolumeHolds {
  readonly #parts: BackupParts;
  readonly #held: Map<string, HeldVolume> = new Map();

  constructor(parts: BackupParts) {
    this.#parts = parts;
  }

  /** Opens what is not held yet, and notes how much of each volume is settled now. */
  async hold(): Promise<void> {
    const { disk, volumes } = this.#parts;
    for (const held of this.#held.values()) held.bytes = undefined;
    const settled = new Map<string, number>();
    for (const { volume, generation, bytes, state } of volumes()) {
      if (state !== "removed") settled.set(`${volume}.${generation}`, bytes);
    }
    for (const { volume, generation, name } of await listVolumeFiles(disk)) {
      const bytes = settled.get(`${volume}.${generation}`);
      if (bytes === undefined) continue;
      const held = this.#held.get(name);
      if (held !== undefined) held.bytes = bytes;
      else {
        const file = await openIfThere(disk, name);
        if (file !== undefined) this.#held.set(name, { name, file, bytes });
      }
    }
  }

  async files(): Promise<HeldFile[]> {
    const files: HeldFile[] = [];
    for (const { name, file, bytes } of this.#held.values()) {
      const length = await file.length();
      files.push({ name, file, bytes: Math.min(bytes ?? length, length) });
    }
    return files.sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  async close(): Promise<void> {
    for (const { file } of this.#held.values()) await file.close();
  }
}

async function* archive(manifest: BackupManifest, files: readonly HeldFile[]): AsyncGenerator<Uint8Array, void, void> {
  const modifiedMillis = manifest.createdMillis;
  const document = encodeDocument(manifest);
  yield* wholeFile(MANIFEST_NAME, document, modifiedMillis);
  const checksums: number[] = [];
  for (const { name, file, bytes } of files) {
    yield encodeTarHeader({ name, bytes, modifiedMillis });
    let checksum = 0;
    for (let at = 0; at < bytes; ) {
      const slice = await file.read(at, Math.min(SLICE_BYTES, bytes - at));
      checksum = crc32c(slice, checksum);
      at += slice.length;
      yield slice;
    }
    if (tarPadding(bytes) > 0) yield new Uint8Array(tarPadding(bytes));
    checksums.push(checksum);
  }
  yield* wholeFile(PROOF_NAME, paddedProof(checksums), modifiedMillis);
  yield TAR_END;
}

function* wholeFile(name: string, bytes: Uint8Array, modifiedMillis: number): Generator<Uint8Array, void, void> {
  yield encodeTarHeader({ name, bytes: bytes.length, modifiedMillis });
  yield bytes;
  if (tarPadding(bytes.length) > 0) yield new Uint8Array(tarPadding(bytes.length));
}

/** Filled up with spaces to the length that it has at most, so that the archive's length is known before its bytes are. */
function paddedProof(checksums: readonly number[]): Uint8Array {
  const proof = encodeDocument({ checksums });
  const padded = new Uint8Array(proofBytesMax(checksums.length)).fill(0x20);
  padded.set(proof);
  return padded;
}

function proofBytesMax(files: number): number {
  return encodeDocument({ checksums: new Array<number>(files).fill(0xffffffff) }).length;
}

function archiveBytes(manifest: BackupManifest): number {
  const documents = [encodeDocument(manifest).length, proofBytesMax(manifest.files.length)];
  const lengths = [...documents, ...manifest.files.map(({ bytes }) => bytes)];
  return lengths.reduce((sum, bytes) => sum + TAR_BLOCK_BYTES + bytes + tarPadding(bytes), TAR_END.length);
}

async function openIfThere(disk: Disk, name: string): Promise<DiskFile | undefined> {
  try {
    return await disk.open(name, "read");
  } catch (error) {
    if (hasCode(error, "FILE_MISSING")) return undefined;
    throw error;
  }
}

async function removeRows(disk: Disk): Promise<void> {
  try {
    await disk.remove(ROWS_FILE);
  } catch (error) {
    if (!hasCode(error, "FILE_MISSING")) throw error;
  }
}
