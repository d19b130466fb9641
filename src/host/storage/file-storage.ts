import { makeFolder, NodeDisk } from "../../env/node/index.ts";
import { Log } from "../../log/index.ts";
import { hostFailure } from "../errors.ts";
import { nodeEnv } from "../node-env.ts";
import { openLocked } from "./locked-storage.ts";
import type { RaftStorage } from "./raft-storage.ts";

export interface FileStorageOptions {
  /**
   * Of the log's files, from 64 KiB to 64 MiB, the default. A command is at most an eighth of it, and the disk has to
   * have room for three.
   */
  readonly segmentBytes?: number;
  /**
   * Where what had been synced can not be read any more: "refuse" to open it, or "set-aside" what is damaged, so that
   * the member comes back as one that lost its storage, and gets everything from the others. Default: "refuse".
   */
  readonly onDamage?: "refuse" | "set-aside";
}

const SEGMENT_BYTES_MIN = 64 * 1024;
/** A frame of the network holds at least one command, the largest included. */
const SEGMENT_BYTES_MAX = 64 * 1024 * 1024;

/**
 * A storage in a folder, which is made where it is missing: one process at a time. A command is answered after fdatasync
 * on a majority; a crash at any moment loses nothing that was answered.
 *
 * Its opening rejects with DISK_LOCKED, with LOG_DAMAGED where the log holds anything else than was synced, and with
 * LOG_FORMAT_NEWER. Throws GROUP_OPTION_INVALID. Network file systems are as good as their locks and their fsync.
 */
export function fileStorage(folder: string, options: FileStorageOptions = {}): RaftStorage {
  const { segmentBytes = SEGMENT_BYTES_MAX, onDamage = "refuse" } = options;
  if (!(segmentBytes >= SEGMENT_BYTES_MIN && segmentBytes <= SEGMENT_BYTES_MAX)) {
    const what = `segmentBytes is from ${SEGMENT_BYTES_MIN} to ${SEGMENT_BYTES_MAX}, not ${segmentBytes}.`;
    throw hostFailure("GROUP_OPTION_INVALID", { what });
  }
  return {
    env: nodeEnv,
    async open({ onFatal }) {
      await makeFolder(folder, folder, 0o700);
      const disk = new NodeDisk(folder);
      const settings = { options: { segmentBytes }, onFatal, onDamage };
      return openLocked(disk, () => Log.open({ disk, random: nodeEnv.random }, settings));
    },
  };
}
