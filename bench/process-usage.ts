// What a server costs, from Linux' /proc: processor time of processes and all their descendants, and resident memory.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

const TICKS_A_SECOND = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

/** User and system time, of processes that have ended under it too. */
export function processorSeconds(pids: readonly number[]): number {
  let ticks = 0;
  for (const each of pids.flatMap(treeOf)) {
    const fields = statOf(each);
    if (fields) ticks += fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  }
  return ticks / TICKS_A_SECOND;
}

/** From here on `peakResidentBytes` tells of what comes after. */
export function forgetPeak(pids: readonly number[]): void {
  for (const each of pids.flatMap(treeOf)) writeFileSync(`/proc/${each}/clear_refs`, "5");
}

export function peakResidentBytes(pids: readonly number[]): number {
  let kibibytes = 0;
  for (const each of pids.flatMap(treeOf)) {
    kibibytes += Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${each}/status`, "utf8"))?.[1] ?? 0);
  }
  return kibibytes * 1024;
}

function treeOf(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    const parent = /^\d+$/.test(name) ? statOf(Number(name))?.[1] : undefined;
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const tree = [root];
  for (let at = 0; at < tree.length; at++) {
    for (const [pid, parent] of parents) if (parent === tree[at]) tree.push(pid);
  }
  return tree;
}

/** The fields behind the command's name (proc(5)): state, parent, ... Undefined where the process has gone. */
function statOf(pid: number): string[] | undefined {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, "utf8");
    return line.slice(line.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}
