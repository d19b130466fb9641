// What a node keeps of its groups beside the root one, in `groups/ID`: an index and a folder of checkpoints. That such a
// folder exists says nothing: whether the node holds a group is what its log says.

import type { Env } from "../../env/index.ts";
import type { ReplicatedOptions } from "../../store/index.ts";

export type GroupPlace = Pick<ReplicatedOptions, "group" | "index" | "folder">;

export function placeOf(group: number): GroupPlace {
  return { group, index: `${GROUPS}/${group}/index`, folder: `${GROUPS}/${group}/store` };
}

/** Groups that the node holds or once held. */
export async function groupsOnDisk({ disk }: Pick<Env, "disk">): Promise<readonly number[]> {
  const names = await disk.list(GROUPS);
  return names.filter((name) => /^[1-9]\d{0,15}$/.test(name)).map(Number);
}

/** Leaves nothing but empty folders. */
export async function removeGroupFiles({ disk, indexes }: Pick<Env, "disk" | "indexes">, group: number): Promise<void> {
  const { index, folder } = placeOf(group);
  await indexes.remove(index);
  for (const name of await disk.list(folder)) await disk.remove(`${folder}/${name}`);
}

const GROUPS = "groups";
