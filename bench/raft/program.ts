// The programs that are measured, ours and others', speak one language: flags in, the line `measuring` when the warm-up
// is over, one line of JSON at the end.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Measurement, Times } from "./peer.ts";
import type { Workload } from "./workloads.ts";

/** Beyond what it was told to take. */
const GRACE_MILLIS = 120_000;

export interface ProgramCall {
  readonly command: string;
  readonly args: readonly string[];
  readonly times: Times;
  /** Called when the time that counts begins. */
  readonly onMeasuring?: () => void;
}

/** Resolves with the last line; rejects with the end of standard error where the program fails. */
export async function runProgram({ command, args, times, onMeasuring }: ProgramCall): Promise<Measurement> {
  const flags = ["--warm-up", String(times.warmUpSeconds), "--seconds", String(times.seconds)];
  const child = spawn(command, [...args, ...flags], { stdio: ["ignore", "pipe", "pipe"] });
  const gone = once(child, "close") as Promise<[number | null]>;
  const timer = setTimeout(() => child.kill("SIGKILL"), (times.warmUpSeconds + times.seconds) * 1000 + GRACE_MILLIS);
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-2000);
  });
  let last = "";
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (line === "measuring") onMeasuring?.();
    else last = line;
  });
  const [code] = await gone;
  clearTimeout(timer);
  if (code !== 0 || last === "") throw new Error(errors.trim().split("\n").at(-1) || `it ended with ${code}`);
  return JSON.parse(last) as Measurement;
}

export function flagsOf({ groups, bytes, window }: Workload): string[] {
  return ["--groups", String(groups), "--bytes", String(bytes), "--window", String(window)];
}
