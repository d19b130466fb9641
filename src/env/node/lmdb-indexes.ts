import { closeSync, fdatasync, fstatSync, openSync, readSync, statfsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { assert } from "../../std/assert.ts";
import { AshlarError } from "../../std/errors.ts";
import type { Index, Indexes } from "../env.ts";
import { envFailure } from "../errors.ts";
import { checkName } from "../names.ts";
import { call } from "./call.ts";
import { diskFailure, systemCode } from "./disk-errors.ts";
import { type LmdbDatabase, LmdbIndex, lmdbEncoding, lmdbFailure } from "./lmdb-index.ts";
import { coversLastPage, type PageSource, readMeta } from "./lmdb-layout.ts";
import { LmdbRoom } from "./lmdb-room.ts";
import {
  currentBootId,
  DATA_FILE,
  type DataFile,
  type IndexState,
  LOCK_FILE,
  makeIndexFolder,
  readState,
  removeIndexFiles,
  removeState,
  statData,
  writeState,
} from "./lmdb-state.ts";
import { findDamage } from "./lmdb-verify.ts";

/** Address space, not memory: the file grows inside of it, and the map moves only beyond. */
const MAP_BYTES = 2 ** 37;
/** Where the process may not have so much. A map that is refused would end it: lmdb-js does not survive that. */
const MAP_BYTES_LIMITED = 2 ** 28;
const OWN_LACKS: ReadonlySet<string> = new Set(["EACCES", "EPERM", "EMFILE", "ENFILE", "ENOMEM"]);
const VERIFY_TURN_MILLIS = 5;
/** Less than one write of LMDB: what a write that was cut short by a full disk can leave. */
const FULL_BYTES = 65_536;

/**
 * Indexes as folders below a root, each an LMDB file and a state file. LMDB maps its file into memory, so a file that
 * is cut off or damaged would end the process; and nothing is synced on the way. Therefore a file is opened only if it
 * is trusted:
 *
 * 1. closed cleanly, and neither its size nor its time has changed since: trusted;
 * 2. closed cleanly and touched since (a restored copy), or left open by a process that died while this same kernel
 *    went on, whose page cache has all that was written: trusted after a walk over all its pages that reads them as a
 *    file;
 * 3. anything else (another boot, a copy of an open folder, no state): INDEX_DAMAGED. The owner removes it and
 *    rebuilds.
 *
 * The owner holds the disk's lock: two processes must not open one index.
 */
export class LmdbIndexes implements Indexes {
  readonly #root: string;
  readonly #mapBytes: number | undefined;
  readonly #open = new Set<string>();

  /** `mapBytes` is for tests of an index that outgrows its first map. */
  constructor(root: string, mapBytes?: number) {
    this.#root = root;
    this.#mapBytes = mapBytes;
  }

  async open(name: string): Promise<Index> {
    checkName(name);
    assert(!this.#open.has(name), "an index is open only once");
    this.#open.add(name);
    try {
      return await this.#openFolder(name, join(this.#root, name));
    } catch (error) {
      this.#open.delete(name);
      if (error instanceof AshlarError) throw error;
      throw diskFailure(error, "open the index", name);
    }
  }

  async remove(name: string): Promise<void> {
    checkName(name);
    assert(!this.#open.has(name), "an open index is not removed");
    try {
      await removeIndexFiles(join(this.#root, name));
    } catch (error) {
      throw diskFailure(error, "remove the index", name);
    }
  }

  async #openFolder(name: string, folder: string): Promise<Index> {
    const lmdb = await loadLmdb();
    const bootId = await currentBootId();
    const damage = await findDistrust(folder, bootId).catch(asDamage);
    if (damage !== undefined) {
      throw envFailure("INDEX_DAMAGED", { what: `The index "${name}" is not trusted: ${damage}.`, data: { name } });
    }
    await makeIndexFolder(folder);
    // A lock file that a dead process left may be cut off, and LMDB maps it as well.
    await rm(join(folder, LOCK_FILE), { force: true });
    // Durable before the first write: from here on a power cut leaves an index that says it was open.
    await writeState(folder, await describe(folder, "open", bootId));
    const database = openDatabase(lmdb, folder, this.#mapBytes ?? (await usualMapBytes()));
    const descriptor = openSync(join(folder, DATA_FILE), "r+");
    await writeState(folder, await describe(folder, "open", bootId));
    const room = new LmdbRoom(descriptor);
    // Before the first write of the owner, which may be one that a full disk must not stop.
    room.prepare(0, 0);
    return new LmdbIndex(database, {
      prepare: (rows, bytes) => room.prepare(rows, bytes),
      sync: () => call((done) => fdatasync(descriptor, done)),
      isDiskFull: () => bytesFree(folder) < FULL_BYTES,
      distrust: () => removeState(folder),
      closed: async (isTrusted) => {
        // On a full disk the state file needs a little of it.
        room.giveBack();
        closeSync(descriptor);
        if (isTrusted) await writeState(folder, await describe(folder, "closed", bootId));
        this.#open.delete(name);
      },
    });
  }
}

/** Why the files must not be opened, or undefined. No files at all are an index to be made. */
async function findDistrust(folder: string, bootId: string): Promise<string | undefined> {
  const state = await readState(folder);
  const data = await statData(folder);
  if (state === "missing") return data === undefined ? undefined : "it has no state file";
  if (state === "unreadable") return "its state file is unreadable";
  if (data === undefined) return "its data file is missing";
  return state.state === "closed" ? distrustOfClosed(folder, state, data) : distrustOfOpen(folder, state, data, bootId);
}

/** Files that the disk does not give back are damage too: the owner can rebuild them. What this process lacks is not. */
function asDamage(error: unknown): string {
  const code = systemCode(error);
  if (code === undefined || OWN_LACKS.has(code)) throw error;
  return `its files can not be read (${code})`;
}

async function distrustOfClosed(folder: string, state: IndexState, data: DataFile): Promise<string | undefined> {
  if (data.bytes !== state.bytes) return "its size is not the one it was closed with";
  return readFileOf(folder, async (source) => {
    const meta = readMeta(source);
    if (meta === undefined) return "its meta pages are damaged";
    const untouched = data.modifiedNanos === state.modifiedNanos && data.inode === state.inode;
    return untouched && coversLastPage(meta, data.bytes) ? undefined : verify(source);
  });
}

async function distrustOfOpen(
  folder: string,
  state: IndexState,
  data: DataFile,
  bootId: string,
): Promise<string | undefined> {
  if (bootId === "" || state.bootId !== bootId) return "it was open when the machine went down";
  if (state.inode !== data.inode) return "it is a copy of an open index";
  return readFileOf(folder, verify);
}

async function readFileOf<T>(folder: string, use: (source: PageSource) => Promise<T>): Promise<T> {
  const descriptor = openSync(join(folder, DATA_FILE), "r");
  try {
    return await use(new OpenPages(descriptor));
  } finally {
    closeSync(descriptor);
  }
}

/** Gives the turn away every few milliseconds: the file may have millions of pages. */
async function verify(source: PageSource): Promise<string | undefined> {
  const walk = findDamage(source);
  let turnEnd = performance.now() + VERIFY_TURN_MILLIS;
  for (;;) {
    const step = walk.next();
    if (step.done) return step.value;
    if (performance.now() < turnEnd) continue;
    await new Promise((resolve) => setImmediate(resolve));
    turnEnd = performance.now() + VERIFY_TURN_MILLIS;
  }
}

class OpenPages implements PageSource {
  readonly length: number;
  readonly #descriptor: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
    this.length = fstatSync(descriptor).size;
  }

  read(position: number, length: number): Uint8Array {
    const bytes = Buffer.allocUnsafe(length);
    const count = readSync(this.#descriptor, bytes, 0, length, position);
    return count === length ? bytes : bytes.subarray(0, count);
  }
}

function bytesFree(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

async function describe(folder: string, state: "open" | "closed", bootId: string): Promise<Omit<IndexState, "format">> {
  const data = (await statData(folder)) ?? { inode: "", bytes: 0, modifiedNanos: "" };
  return { state, bootId, ...data };
}

type Lmdb = typeof import("lmdb");

async function loadLmdb(): Promise<Lmdb> {
  try {
    return await import("lmdb");
  } catch (error) {
    throw envFailure("LIBRARY_MISSING", {
      what: 'The package "lmdb" is not installed. Install it with: npm i lmdb@3.5.6',
      data: { package: "lmdb" },
      cause: error,
    });
  }
}

async function usualMapBytes(): Promise<number> {
  const limits = await readFile("/proc/self/limits", "utf8").catch(() => "");
  const isLimited = /^Max address space\s+\d/m.test(limits);
  return isLimited ? MAP_BYTES_LIMITED : MAP_BYTES;
}

function openDatabase(lmdb: Lmdb, folder: string, mapSize: number): LmdbDatabase {
  try {
    // The typings leave out what lmdb-js documents elsewhere: noSync excludes overlappingSync.
    const options = { ...lmdbEncoding(), encoding: "binary", cache: false, noSync: true, mapSize, maxDbs: 1 } as const;
    return lmdb.open(folder, { ...options, overlappingSync: false, noSubdir: false }) as unknown as LmdbDatabase;
  } catch (error) {
    throw lmdbFailure(error);
  }
}
