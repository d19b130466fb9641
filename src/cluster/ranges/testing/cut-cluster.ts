// Accounts in three ranges, of three groups.

import { utf8 } from "../../../std/bytes.ts";
import { type RowAddress, TABLES } from "../../../store/index.ts";
import { readLayout } from "../layout.ts";
import { splitRange } from "../range-changes.ts";
import type { RangeCluster } from "./range-cluster.ts";

export const ACCOUNTS: readonly string[] = ["a", "c", "e", "i", "k", "m", "r", "t", "x"];
export const EACH = 100;
export const CUTS: readonly string[] = ["h", "q"];

export const accountRow = (name: string): RowAddress => ({ table: TABLES.kv, key: utf8(name) });

/** Every node has a folder for backups. */
export async function beginCut(cluster: RangeCluster): Promise<void> {
  await cluster.begin();
  const puts = ACCOUNTS.map((name) => ({ ...accountRow(name), value: utf8(`${EACH}`) }));
  await cluster.persist((root) => root.commit({ puts }));
  for (const at of CUTS) {
    await splitRange(cluster.node(1).root, utf8(at));
    await untilIdle(cluster);
  }
  for (const node of cluster.nodes) await node.disk.makeDirectory("backup");
}

export function untilIdle(cluster: RangeCluster): Promise<void> {
  const isIdle = async (): Promise<boolean> => (await readLayout(cluster.open[0]!.root)).transfers.length === 0;
  return cluster.until(isIdle, "nothing is on its way");
}
