// The program of bench/peers/go-raft, built on first use into a folder that git ignores. Once its modules are in Go's
// cache it builds without a network.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { NotRun } from "../../not-run.ts";

const SOURCE = fileURLToPath(new URL("../../peers/go-raft/", import.meta.url));
const CACHE = fileURLToPath(new URL("../../peers/.cache/", import.meta.url));
const PLACES = ["go", "/usr/local/go/bin/go", "/usr/lib/go/bin/go"];
const BUILD_MILLIS_MAX = 900_000;

export const GO_PROGRAM: string = `${CACHE}go-raft`;

let outcome: Error | "built" | undefined;

/** Once a run. */
export async function buildGoProgram(): Promise<void> {
  outcome ??= build();
  if (outcome instanceof Error) throw outcome;
}

function build(): Error | "built" {
  const go = PLACES.find((place) => spawnSync(place, ["version"], { stdio: "ignore" }).status === 0);
  if (go === undefined) return new NotRun("no Go");
  mkdirSync(CACHE, { recursive: true });
  const options = { cwd: SOURCE, encoding: "utf8", timeout: BUILD_MILLIS_MAX } as const;
  const { status, stderr } = spawnSync(go, ["build", "-trimpath", "-buildvcs=false", "-o", GO_PROGRAM, "."], options);
  if (status === 0 && existsSync(GO_PROGRAM)) return "built";
  return new NotRun(`its program does not build: ${stderr.trim().split("\n").at(-1)}`);
}
