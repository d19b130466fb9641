// The checkpoints of one folder. A file's name holds the applied index, so that names sort by age and say how far the
// log was applied even where the file itself can not be read.

import type { Disk } from "../../env/index.ts";
import { TEMPORARY } from "./write.ts";

export interface CheckpointFile {
  readonly name: string;
  readonly appliedIndex: number;
}

const NAME = /^checkpoint-(\d{16})$/;

export function checkpointName(folder: string, appliedIndex: number): string {
  return `${folder}/checkpoint-${String(appliedIndex).padStart(16, "0")}`;
}

/** Newest first. */
export async function listCheckpoints(disk: Disk, folder: string): Promise<CheckpointFile[]> {
  const files: CheckpointFile[] = [];
  for (const name of await disk.list(folder)) {
    const match = NAME.exec(name);
    if (match) files.push({ name: `${folder}/${name}`, appliedIndex: Number(match[1]) });
  }
  return files.reverse();
}

/** Removes what a crash left of checkpoints that were being written. */
export async function removeUnfinished(disk: Disk, folder: string): Promise<void> {
  for (const name of await disk.list(folder)) {
    if (name.endsWith(TEMPORARY)) await disk.remove(`${folder}/${name}`);
  }
}
