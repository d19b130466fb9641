// Files of the machine that the command runs on. `-` stands for standard input and output.

import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import { arrayBuffer as arrayBufferOf, text as textOf } from "node:stream/consumers";
import { finished } from "node:stream/promises";
import { toHex, utf8 } from "../std/bytes.ts";
import { type ByteSource, sourceFrom } from "../std/source.ts";
import { cliFailure } from "./errors.ts";
import { sha256 } from "./hashing.ts";

export interface LocalFile {
  readonly path: string;
  /** Relative to the folder that was walked, with "/" between folders. */
  readonly name: string;
  readonly bytes: number;
}

/** The text of a file, or of standard input. Rejects with PATH_UNREADABLE. */
export async function readInput(path: string): Promise<string> {
  try {
    return path === "-" ? await textOf(process.stdin) : await readFile(path, "utf8");
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** The bytes of a file, or of standard input. Rejects with PATH_UNREADABLE. */
export async function readInputBytes(path: string): Promise<Uint8Array> {
  try {
    return path === "-" ? new Uint8Array(await arrayBufferOf(process.stdin)) : await readFile(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** Undefined where there is nothing of this name. */
export async function kindOf(
  path: string,
): Promise<{ readonly isFolder: boolean; readonly bytes: number } | undefined> {
  try {
    const found = await stat(path);
    return { isFolder: found.isDirectory(), bytes: found.size };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw unreadable(path, cause);
  }
}

/** Every file in the folder and below it, in the order of names. Links and devices are passed over. */
export async function filesUnder(folder: string): Promise<LocalFile[]> {
  const files: LocalFile[] = [];
  try {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const name = relative(folder, path).split(sep).join("/");
      files.push({ path, name, bytes: (await stat(path)).size });
    }
  } catch (cause) {
    throw unreadable(folder, cause);
  }
  return files.sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** Its reads reject with PATH_UNREADABLE. */
export function sourceOfFile(path: string): ByteSource {
  if (path === "-") return sourceFrom(process.stdin);
  const source = sourceFrom(createReadStream(path, { highWaterMark: 262_144 }));
  return {
    async read() {
      try {
        return await source.read();
      } catch (cause) {
        throw unreadable(path, cause);
      }
    },
    cancel: (reason) => source.cancel(reason),
  };
}

/** Of most file systems. */
const NAME_BYTES_MAX = 255;
const TEMPORARY_ENDING = ".ashlar-part";
/** Modes of what holds secrets: nobody else on the machine reads it. */
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;

export interface WriteOptions {
  /** Nobody but its owner may read the file, nor enter the folders that are made for it. */
  readonly isPrivate?: boolean;
}

/**
 * Writes a source to a file, which appears under its name only when all of it is there and `check` agrees. Rejects with
 * PATH_UNREADABLE, or as source and check do.
 */
export async function writeFileWhole(
  path: string,
  source: ByteSource,
  check: () => void,
  { isPrivate = false }: WriteOptions = {},
): Promise<void> {
  const temporary = temporaryOf(path);
  try {
    if (isPrivate) await makePrivateFolder(dirname(path));
    else await mkdir(dirname(path), { recursive: true });
    // One that broke off before may have another mode, which it would keep.
    await rm(temporary, { force: true });
    await pump(source, createWriteStream(temporary, { flags: "wx", ...(isPrivate && { mode: PRIVATE_FILE }) }));
    check();
    await rename(temporary, path);
  } catch (error) {
    source.cancel();
    // What failed first counts: a name that is too long can not be removed either.
    await rm(temporary, { force: true }).catch(() => {});
    throw isSystemError(error) ? unreadable(path, error) : error;
  }
}

/** Beside the file. A name that is as long as may be gives way to its hash: the ending must fit. */
function temporaryOf(path: string): string {
  const name = basename(path);
  const isLong = Buffer.byteLength(name) > NAME_BYTES_MAX - TEMPORARY_ENDING.length;
  const stem = isLong && Buffer.byteLength(name) <= NAME_BYTES_MAX ? toHex(sha256.hash(utf8(name))) : name;
  return join(dirname(path), stem + TEMPORARY_ENDING);
}

/** Rejects with the error of the operating system. */
export async function makePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: PRIVATE_FOLDER });
}

/** Writes a source to standard output. */
export async function writeStandardOutput(source: ByteSource): Promise<void> {
  for (;;) {
    const chunk = await source.read();
    if (chunk === null) return;
    if (!process.stdout.write(chunk)) await new Promise((resolve) => process.stdout.once("drain", resolve));
  }
}

async function pump(source: ByteSource, target: NodeJS.WritableStream): Promise<void> {
  const done = finished(target);
  // Its failure is awaited below; until then it must not count as unhandled.
  done.catch(() => {});
  try {
    for (;;) {
      const chunk = await source.read();
      if (chunk === null) break;
      // A chunk may be reused by its source: the stream gets its own copy where it has to wait.
      if (!target.write(Buffer.from(chunk))) {
        await Promise.race([new Promise((resolve) => target.once("drain", resolve)), done]);
      }
    }
  } finally {
    target.end();
  }
  await done;
}

function unreadable(path: string, cause: unknown): Error {
  const isLong = (cause as NodeJS.ErrnoException).code === "ENAMETOOLONG";
  const advice = `A file's name has at most ${NAME_BYTES_MAX} bytes here: give it another one.`;
  return cliFailure("PATH_UNREADABLE", {
    ...{ what: `${path} can not be used.`, data: { path }, cause },
    ...(isLong && { advice }),
  });
}

/** Of a call, or of Node before it: a key may hold a zero byte, which no name of a file does. */
function isSystemError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { syscall, code } = error as NodeJS.ErrnoException;
  return typeof syscall === "string" || code === "ERR_INVALID_ARG_VALUE";
}
