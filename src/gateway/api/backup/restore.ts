// Makes a data directory of a backup. The order makes a broken-off restore harmless: a mark stands in the folder from the first write
// to the last, and no server starts on a folder with it.
//
//   1. every file is written, synced and compared with the backup's proof
//   2. the rows are read through, and every block of every needle is verified
//   3. a log is begun that says: everything up to the rows' index is applied and no longer needed
//   4. the mark goes

import { type VolumeReport, verifyVolumeFile } from "../../../blob/index.ts";
import type { Disk, Random } from "../../../env/index.ts";
import { Log } from "../../../log/index.ts";
import { crc32c } from "../../../std/checksums/index.ts";
import { hasCode } from "../../../std/errors.ts";
import { collect } from "../../../std/source.ts";
import { checkpointName, readCheckpoint } from "../../../store/index.ts";
import { backupFailure } from "./errors.ts";
import {
  type BackupFile,
  type BackupManifest,
  CHECKPOINT_NAME,
  decodeManifest,
  decodeProof,
  MANIFEST_NAME,
  PROOF_NAME,
} from "./manifest.ts";
import type { BackupPiece, BackupPieces } from "./read.ts";

export interface RestoreParts {
  /** Of the folder to restore into. */
  readonly disk: Disk;
  readonly random: Random;
  /** Of the new log's first segment; the usual length where left out. */
  readonly segmentBytes?: number;
  readonly onProgress?: (bytes: number) => void;
}

export interface RestoreReport {
  readonly manifest: BackupManifest;
  readonly rows: number;
  readonly volumes: readonly VolumeReport[];
}

/** A folder that holds this file was not restored to the end. */
export const RESTORE_MARK = "restore-unfinished";
const STORE_FOLDER = "store";
const VOLUME_FOLDER = "volumes";
const ROWS_FILE = `${STORE_FOLDER}/restored-rows`;
const DOCUMENT_BYTES_MAX = 16_777_216;

/** Rejects with one of BACKUP_ERRORS; damage that the node had already when the backup was taken is in the report instead. */
export async function restoreBackup(pieces: BackupPieces, parts: RestoreParts): Promise<RestoreReport> {
  const { disk } = parts;
  if ((await disk.list("")).length > 0) throw backupFailure("TARGET_NOT_EMPTY");
  await (await disk.open(RESTORE_MARK, "create")).close();
  await disk.syncDirectory("");
  for (const folder of [STORE_FOLDER, VOLUME_FOLDER]) await disk.makeDirectory(folder);

  const manifest = await writeFiles(pieces, parts);
  for (const folder of ["", STORE_FOLDER, VOLUME_FOLDER]) await disk.syncDirectory(folder);

  let rows = 0;
  const point = await readCheckpoint(disk, ROWS_FILE, (read) => {
    rows += read.length;
  });
  const volumes: VolumeReport[] = [];
  for (const { name } of manifest.files) {
    const match = /^volumes\/(\d+)\.g(\d+)\.volume$/.exec(name);
    if (match === null) continue;
    volumes.push(await verifyVolumeFile(disk, { volume: Number(match[1]), generation: Number(match[2]) }));
  }
  await disk.rename(ROWS_FILE, checkpointName(STORE_FOLDER, point.appliedIndex));
  await disk.syncDirectory(STORE_FOLDER);
  await beginLog(parts, { group: point.group, index: point.appliedIndex, term: point.term });
  await disk.remove(RESTORE_MARK);
  await disk.syncDirectory("");
  return { manifest, rows, volumes };
}

async function writeFiles(pieces: BackupPieces, parts: RestoreParts): Promise<BackupManifest> {
  let manifest: BackupManifest | undefined;
  let proven = false;
  const checksums: number[] = [];
  for await (const piece of pieces) {
    if (manifest === undefined) manifest = await readManifest(piece);
    else if (checksums.length < manifest.files.length) {
      checksums.push(await writeFile(piece, manifest.files[checksums.length]!, parts));
    } else if (!proven) {
      await checkProof(piece, manifest, checksums);
      proven = true;
    } else throw backupFailure("BACKUP_DAMAGED", { data: { name: piece.name } });
  }
  if (manifest === undefined) throw backupFailure("BACKUP_MALFORMED");
  if (!proven) throw backupFailure("BACKUP_INCOMPLETE");
  return manifest;
}

async function readManifest(piece: BackupPiece): Promise<BackupManifest> {
  const bytes = piece.name === MANIFEST_NAME ? await collect(piece.content, DOCUMENT_BYTES_MAX) : undefined;
  const manifest = bytes === undefined ? undefined : decodeManifest(bytes);
  if (manifest === undefined) throw backupFailure("BACKUP_MALFORMED");
  if (manifest === "newer") throw backupFailure("BACKUP_NEWER");
  return manifest;
}

/** Gives the crc32c of what was written. */
async function writeFile(piece: BackupPiece, expected: BackupFile, parts: RestoreParts): Promise<number> {
  if (piece.name !== expected.name || piece.bytes !== expected.bytes) {
    throw backupFailure("BACKUP_DAMAGED", { data: { name: expected.name, found: piece.name } });
  }
  const { disk, onProgress = () => {} } = parts;
  const file = await disk.open(expected.name === CHECKPOINT_NAME ? ROWS_FILE : expected.name, "create");
  try {
    let checksum = 0;
    let at = 0;
    for (;;) {
      const chunk = await piece.content.read();
      if (chunk === null) break;
      await file.write(at, [chunk]);
      checksum = crc32c(chunk, checksum);
      at += chunk.length;
      onProgress(chunk.length);
    }
    if (at !== expected.bytes) throw backupFailure("BACKUP_INCOMPLETE", { data: { name: expected.name } });
    await file.sync();
    return checksum;
  } finally {
    await file.close();
  }
}

async function checkProof(piece: BackupPiece, manifest: BackupManifest, checksums: readonly number[]): Promise<void> {
  const bytes = piece.name === PROOF_NAME ? await collect(piece.content, DOCUMENT_BYTES_MAX) : undefined;
  const proof = bytes === undefined ? undefined : decodeProof(bytes);
  if (proof === undefined) throw backupFailure("BACKUP_DAMAGED", { data: { name: PROOF_NAME } });
  for (const [at, { name }] of manifest.files.entries()) {
    if (proof.checksums[at] !== checksums[at]) throw backupFailure("BACKUP_DAMAGED", { data: { name } });
  }
}

interface AppliedPoint {
  readonly group: number;
  readonly index: number;
  readonly term: number;
}

async function beginLog(
  { disk, random, segmentBytes }: RestoreParts,
  { group, index, term }: AppliedPoint,
): Promise<void> {
  await using log = await Log.open(
    { disk, random },
    { onFatal: () => {}, ...(segmentBytes !== undefined && { options: { segmentBytes } }) },
  );
  await new Promise<void>((resolve, reject) => {
    log.append([{ kind: "compaction", group, index, term }], (error) =>
      error === undefined ? resolve() : reject(error),
    );
  });
}

/** For who looks at a folder before it is used. */
export async function isUnfinishedRestore(disk: Disk): Promise<boolean> {
  try {
    await (await disk.open(RESTORE_MARK, "read")).close();
    return true;
  } catch (error) {
    if (hasCode(error, "FILE_MISSING")) return false;
    throw error;
  }
}
