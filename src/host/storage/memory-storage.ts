import { SimDisk, WebRandom } from "../../env/web/index.ts";
import { Log } from "../../log/index.ts";
import { hostFailure } from "../errors.ts";
import { openLocked } from "./locked-storage.ts";
import type { RaftStorage } from "./raft-storage.ts";

export interface MemoryStorageOptions {
  /** The longest command, about, up to 8 MiB; an eighth of what the log takes from memory at a time. Default: 2 MiB. */
  readonly commandBytesMax?: number;
}

const COMMAND_BYTES = 2 * 1024 * 1024;
const COMMAND_BYTES_MAX = 8 * 1024 * 1024;
const SEGMENT_BYTES_MIN = 512 * 1024;

/**
 * A storage that ends with the process: for tests, browsers, and members whose group can do without one of them. What is
 * closed can be opened again, and has everything then.
 *
 * It is the log of every storage, on a disk in memory. A member that lost its memory is one that lost its disk: it
 * comes back with a new storage as a learner and votes again once it has caught up; a majority at once is lost for good.
 */
export function memoryStorage({ commandBytesMax = COMMAND_BYTES }: MemoryStorageOptions = {}): RaftStorage {
  if (!(commandBytesMax > 0 && commandBytesMax <= COMMAND_BYTES_MAX)) {
    const what = `commandBytesMax is from 1 to ${COMMAND_BYTES_MAX}, not ${commandBytesMax}.`;
    throw hostFailure("GROUP_OPTION_INVALID", { what });
  }
  const segmentBytes = Math.max(SEGMENT_BYTES_MIN, 8 * Math.ceil(commandBytesMax));
  const device = new SimDisk();
  return {
    async open({ onFatal }) {
      const disk = device.mount();
      const settings = { options: { segmentBytes, spareSegmentsMax: 1 }, onFatal };
      return openLocked(disk, () => Log.open({ disk, random: new WebRandom() }, settings));
    },
  };
}
