import { close, fsync, mkdir, open, readdir, rename, type Stats, stat, statfs, unlink } from "node:fs";
import { dirname, join } from "node:path";
import { AshlarError } from "../../std/errors.ts";
import type { Disk, DiskFile } from "../env.ts";
import { checkFolder, checkName, folderOf } from "../names.ts";
import { call, type Done } from "./call.ts";
import { diskFailure, systemCode } from "./disk-errors.ts";
import { NodeDiskFile } from "./disk-file.ts";
import { lockFolder } from "./disk-lock.ts";

const OPEN_FLAGS = { read: "r", write: "r+", create: "wx+" } as const;

/** Nobody else on the machine reads a node's data: it holds users' objects and the keys to them. */
const FILE_MODE = 0o600;

/** The files below one existing folder of the real disk. */
export class NodeDisk implements Disk {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async open(name: string, mode: "read" | "write" | "create"): Promise<DiskFile> {
    checkName(name);
    const descriptor = await attempt<number>("open", name, (done) =>
      open(this.#path(name), OPEN_FLAGS[mode], FILE_MODE, done),
    );
    return new NodeDiskFile(name, descriptor, mode !== "read");
  }

  async list(folder: string): Promise<string[]> {
    checkFolder(folder);
    try {
      return (await call<string[]>((done) => readdir(this.#path(folder), done))).sort();
    } catch (error) {
      if (systemCode(error) === "ENOENT") return [];
      throw diskFailure(error, "list", folder);
    }
  }

  async makeDirectory(folder: string): Promise<void> {
    checkName(folder);
    await makeFolder(this.#path(folder), folder);
    // One that is there may be younger than its parent's last sync: who made it may have died in between.
    for (let made = folder; made !== ""; made = folderOf(made)) await this.syncDirectory(folderOf(made));
  }

  async rename(from: string, to: string): Promise<void> {
    checkName(from);
    checkName(to);
    await attempt<void>("rename", from, (done) => rename(this.#path(from), this.#path(to), done));
  }

  async remove(name: string): Promise<void> {
    checkName(name);
    await attempt<void>("remove", name, (done) => unlink(this.#path(name), done));
  }

  async syncDirectory(folder: string): Promise<void> {
    checkFolder(folder);
    await syncFolder(this.#path(folder), folder);
  }

  async space(): Promise<{ readonly bytesFree: number; readonly bytesTotal: number }> {
    const found = await attempt<{ bavail: number; blocks: number; bsize: number }>("measure", this.#root, (done) =>
      statfs(this.#root, done),
    );
    return { bytesFree: found.bavail * found.bsize, bytesTotal: found.blocks * found.bsize };
  }

  lock(): Promise<AsyncDisposable> {
    return lockFolder(this.#root);
  }

  #path(name: string): string {
    return join(this.#root, name);
  }
}

/**
 * The new folders are durable when this resolves: each one's parent has been synced. Node's own recursive mkdir never ends where the
 * system refuses a folder as if its parent were missing, as below /proc.
 */
export async function makeFolder(path: string, name: string, mode?: number): Promise<void> {
  const make = (): Promise<void> => call<void>((done) => mkdir(path, { ...(mode !== undefined && { mode }) }, done));
  try {
    await make().catch(async (error: unknown) => {
      if (systemCode(error) !== "ENOENT" || dirname(path) === path) throw error;
      await makeFolder(dirname(path), name, mode);
      await make();
    });
  } catch (error) {
    if (error instanceof AshlarError) throw error;
    // Which error an existing folder gives depends on the system.
    if (await isFolder(path)) return;
    throw diskFailure(error, "make", name);
  }
  await syncFolder(dirname(path), name);
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await call<Stats>((done) => stat(path, done))).isDirectory();
  } catch {
    return false;
  }
}

async function attempt<T>(operation: string, name: string, start: (done: Done<T>) => void): Promise<T> {
  try {
    return await call(start);
  } catch (error) {
    throw diskFailure(error, operation, name);
  }
}

/** Makes the names in a folder durable. Windows has no such call; its file systems log names by themselves. */
export async function syncFolder(path: string, name: string): Promise<void> {
  if (process.platform === "win32") return;
  await attempt<void>("sync", name, (done) => {
    open(path, "r", (openError, descriptor) => {
      if (openError) return done(openError);
      fsync(descriptor, (syncError) => close(descriptor, (closeError) => done(syncError ?? closeError)));
    });
  });
}
