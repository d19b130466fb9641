// A checkpoint is a checksummed, sorted file of all rows of a Store at one applied index. The Index can always be
// rebuilt from it and the log behind it; a backup is a checkpoint on another disk.

export { type CheckpointFile, checkpointName, listCheckpoints, removeUnfinished } from "./checkpoint/files.ts";
export type { CheckpointHeader } from "./checkpoint/format.ts";
export {
  checkpointSource,
  readCheckpoint,
  readCheckpointHeader,
  restoreBytes,
  restoreCheckpoint,
} from "./checkpoint/read.ts";
export { CheckpointStream } from "./checkpoint/stream.ts";
export {
  keepCheckpoint,
  type WriteCheckpointOptions,
  type WrittenCheckpoint,
  writeCheckpoint,
} from "./checkpoint/write.ts";
