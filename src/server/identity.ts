import type { Disk, Random } from "../env/index.ts";
import { LOG_DEFAULTS } from "../log/index.ts";
import { fromHex, toHex } from "../std/bytes.ts";
import { CLUSTER_FILE, CLUSTER_FILES } from "./cluster-file.ts";
import { serverFailure } from "./errors.ts";
import type { ServerOptions } from "./options.ts";
import { readSmallFile, writeSmallFile } from "./small-file.ts";

// Who this node is: small files at the top of the data directory, written once, by the first start.
//
//   format.json     the format of everything beneath, and the node's id
//   root-key.json   the root access key (file mode 0600), unless the options give it
//   seal-key.json   the key under which secrets are encrypted in the Store (file mode 0600); one in a whole cluster
//   cluster.json    which node of which cluster it is, where it is of one (cluster-file.ts)

/** What a backup takes along. */
export const IDENTITY_FILES: readonly string[] = [
  ...["format.json", "root-key.json", "seal-key.json", CLUSTER_FILE],
  ...Object.values(CLUSTER_FILES),
];
/** What a node that joins begins with. */
const SHARED_FILES: readonly string[] = ["root-key.json", "seal-key.json"];

/**
 * 1: the first. 2: rows may share needles of other keys. A version that does not know of that would take their bytes
 * away with the source, so it must not open such a directory.
 */
const DATA_FORMAT = 2;
const KEY_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

export interface RootKey {
  readonly accessKey: string;
  readonly secretKey: string;
}

export interface Identity {
  readonly nodeId: string;
  readonly root: RootKey;
  readonly sealKey: Uint8Array;
}

export async function openIdentity(disk: Disk, random: Random, options: ServerOptions): Promise<Identity> {
  const given = givenRoot(options);
  // Of a start that died between naming a file and making the name durable: nothing is built on what a power cut takes back.
  await disk.syncDirectory("");
  const stamp = await once(disk, "format.json", isFormat, () => ({
    format: DATA_FORMAT,
    nodeId: letters(random, KEY_LETTERS, 16),
  }));
  const { format, nodeId } = stamp;
  if (format > DATA_FORMAT) throw serverFailure("DATA_FORMAT_NEWER", { data: { format, known: DATA_FORMAT } });
  // Before anything of the new format is written.
  if (format < DATA_FORMAT) await writeSmallFile(disk, "format.json", documentOf({ ...stamp, format: DATA_FORMAT }));
  const sealed = await once(disk, "seal-key.json", isSealKey, () => ({ key: toHex(random.bytes(32)) }));
  const root = given ?? (await readOrMake(disk, "root-key.json", isRootKey, () => newRoot(random)));
  return { nodeId, root: checkRoot(root), sealKey: fromHex(sealed.key)! };
}

/** Their contents by name, where they are there. */
export async function readSharedFiles(disk: Disk): Promise<Readonly<Record<string, string>>> {
  const files: Record<string, string> = {};
  for (const name of SHARED_FILES) {
    const content = await readSmallFile(disk, name);
    if (content !== undefined) files[name] = content;
  }
  return files;
}

/** A file that data depends on: once there is a log, another one in its place would only hide the loss. */
async function once<T>(disk: Disk, name: string, isValid: (value: unknown) => value is T, make: () => T): Promise<T> {
  const logFiles = await disk.list(LOG_DEFAULTS.folder);
  return readOrMake(disk, name, isValid, () => {
    if (logFiles.length > 0) throw damaged(name, "is missing");
    return make();
  });
}

async function readOrMake<T>(
  disk: Disk,
  name: string,
  isValid: (value: unknown) => value is T,
  make: () => T,
): Promise<T> {
  const content = await readSmallFile(disk, name);
  if (content === undefined) {
    const value = make();
    await writeSmallFile(disk, name, documentOf(value));
    return value;
  }
  const value = parsed(content);
  if (!isValid(value)) throw damaged(name, "can not be read");
  return value;
}

function documentOf(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function damaged(name: string, how: string): Error {
  return serverFailure("DATA_FILE_DAMAGED", { what: `${name} ${how}.`, data: { name } });
}

/** With a given key there is no file: one that opens nothing would only mislead. */
function givenRoot({ rootAccessKey: accessKey, rootSecretKey: secretKey }: ServerOptions): RootKey | undefined {
  if (accessKey === undefined && secretKey === undefined) return undefined;
  if (accessKey !== undefined && secretKey !== undefined) return checkRoot({ accessKey, secretKey });
  const [present, absent] = accessKey === undefined ? ["secret", "access"] : ["access", "secret"];
  throw serverFailure("ROOT_KEY_INCOMPLETE", { what: `A root ${present} key is given, and no root ${absent} key.` });
}

function newRoot(random: Random): RootKey {
  return { accessKey: letters(random, KEY_LETTERS, 20), secretKey: letters(random, SECRET_LETTERS, 40) };
}

function checkRoot(root: RootKey): RootKey {
  const isValid =
    /^[^\s/=,]{3,128}$/.test(root.accessKey) && root.secretKey.length >= 8 && root.secretKey.length <= 128;
  if (!isValid) throw serverFailure("ROOT_KEY_INVALID");
  return root;
}

function letters(random: Random, alphabet: string, length: number): string {
  // Both alphabets have a power of two of letters, so no letter is likelier than another.
  return Array.from(random.bytes(length), (byte) => alphabet[byte % alphabet.length]).join("");
}

function parsed(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}

function isFormat(value: unknown): value is { format: number; nodeId: string } {
  return isRecord(value) && typeof value["format"] === "number" && typeof value["nodeId"] === "string";
}

function isRootKey(value: unknown): value is RootKey {
  return isRecord(value) && typeof value["accessKey"] === "string" && typeof value["secretKey"] === "string";
}

function isSealKey(value: unknown): value is { key: string } {
  return isRecord(value) && typeof value["key"] === "string" && fromHex(value["key"])?.length === 32;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
