import type { Disk } from "../../env/index.ts";
import type { Log } from "../../log/index.ts";
import type { OpenRaftStorage } from "./raft-storage.ts";

/** A log on a disk that nobody else has open meanwhile. The disk is free again once the log is closed, or could not be opened. */
export async function openLocked(disk: Disk, openLog: () => Promise<Log>): Promise<OpenRaftStorage> {
  const lock = await disk.lock();
  try {
    const log = await openLog();
    return {
      log,
      disk,
      async [Symbol.asyncDispose]() {
        try {
          await log.close();
        } finally {
          await lock[Symbol.asyncDispose]();
        }
      },
    };
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}
