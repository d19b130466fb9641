import { strictText, utf8 } from "../../../std/bytes.ts";

/** The first file of an archive says what the others are, the last one proves that all of them are there as they were. */
export const MANIFEST_NAME = "ashlar-backup.json";
export const PROOF_NAME = "ashlar-backup-proof.json";
export const CHECKPOINT_NAME = "checkpoint";

const FORMAT = 1;

export interface BackupFile {
  readonly name: string;
  readonly bytes: number;
}

export interface BackupManifest {
  readonly format: number;
  /** Of the program that wrote it. */
  readonly version: string;
  readonly node: string;
  readonly createdMillis: number;
  /** In the archive's order. */
  readonly files: readonly BackupFile[];
}

export interface BackupProof {
  /** crc32c of each file, in the manifest's order. */
  readonly checksums: readonly number[];
}

export function newManifest(fields: Omit<BackupManifest, "format">): BackupManifest {
  return { format: FORMAT, ...fields };
}

export function encodeDocument(document: BackupManifest | BackupProof): Uint8Array {
  return utf8(`${JSON.stringify(document, undefined, 2)}\n`);
}

/** Undefined where the bytes are none; a newer format is given back for the caller to refuse by name. */
export function decodeManifest(bytes: Uint8Array): BackupManifest | "newer" | undefined {
  const value = parse(bytes) as Partial<BackupManifest> | undefined;
  if (value === undefined || typeof value.format !== "number") return undefined;
  if (value.format > FORMAT) return "newer";
  const isWhole = Array.isArray(value.files) && value.files.every(isFile) && typeof value.createdMillis === "number";
  return isWhole ? (value as BackupManifest) : undefined;
}

export function decodeProof(bytes: Uint8Array): BackupProof | undefined {
  const value = parse(bytes) as Partial<BackupProof> | undefined;
  const isWhole = Array.isArray(value?.checksums) && value.checksums.every((each) => Number.isSafeInteger(each));
  return isWhole ? (value as BackupProof) : undefined;
}

/** Names that a restore may write: nothing leads out of the data directory. */
const NAMES = /^(checkpoint|[a-z][a-z-]*\.json|volumes\/\d{8,10}\.g\d{1,9}\.volume)$/;

function isFile(file: Partial<BackupFile> | null): boolean {
  if (typeof file?.name !== "string" || !NAMES.test(file.name)) return false;
  return Number.isSafeInteger(file.bytes) && file.bytes! >= 0;
}

function parse(bytes: Uint8Array): object | undefined {
  try {
    const value: unknown = JSON.parse(strictText(bytes) ?? "");
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
