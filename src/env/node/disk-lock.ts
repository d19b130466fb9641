import { access, constants } from "node:fs/promises";
import { dirname, join } from "node:path";
import { envFailure } from "../errors.ts";
import { diskFailure, systemCode } from "./disk-errors.ts";

const LOCK_FILE = "ashlar.lock";
const SQLITE_BUSY = 5;
const SQLITE_READ_ONLY = 8;
const SQLITE_CANT_OPEN = 14;

/** A connection that is collected as garbage would give its lock back. */
const held = new Set<object>();

/**
 * An exclusive lock on a folder that dies with its holder, even at kill -9.
 *
 * Node has no call for file locks, but its SQLite has: an exclusive transaction holds a lock of the kernel on the
 * file's inode (fcntl on POSIX, LockFileEx on Windows) for as long as the connection is open. So there is no stale lock
 * to judge, no race at takeover and no process id that another container could reuse; containers on one kernel that
 * share the folder exclude each other. Limits: on a network file system the lock is as good as that system's lock
 * service, and opening and closing the lock file by other means inside this process would release a POSIX lock: nothing
 * else touches it.
 */
export async function lockFolder(folder: string): Promise<AsyncDisposable> {
  const { DatabaseSync } = await import("node:sqlite");
  const file = join(folder, LOCK_FILE);
  let database: InstanceType<typeof DatabaseSync> | undefined;
  try {
    database = new DatabaseSync(file);
    // No journal: nothing is ever written, the transaction exists only to be exclusive.
    database.exec("PRAGMA journal_mode = OFF; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (error) {
    database?.close();
    if (isBusy(error)) {
      throw envFailure("DISK_LOCKED", { what: `Another process uses "${folder}".`, data: { folder }, cause: error });
    }
    throw diskFailure(await causeOf(error, file), "lock", file);
  }
  const holder = database;
  held.add(holder);
  return {
    async [Symbol.asyncDispose]() {
      if (held.delete(holder)) holder.close();
    },
  };
}

/** SQLite says only that it could not open the file; the system knows why. No lock is held on the file here. */
async function causeOf(error: unknown, file: string): Promise<unknown> {
  const code = error instanceof Error && "errcode" in error ? error.errcode : undefined;
  if (code !== SQLITE_CANT_OPEN && code !== SQLITE_READ_ONLY) return error;
  try {
    await access(dirname(file), constants.W_OK | constants.X_OK);
    await access(file, constants.R_OK | constants.W_OK);
    return error;
  } catch (cause) {
    return systemCode(cause) === "ENOENT" ? error : cause;
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY;
}
