// The command line's entry. bin/ashlar.js calls `main` with what stands behind `ashlar`; it gives the exit code: 0 done, 1 failed, 2 the
// command line was not understood.

import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";

export async function main(argv: readonly string[]): Promise<number> {
  // In a clone every file is stripped of its types when it is loaded. The cache is the clone's own: one that all users of the machine
  // can write to could be filled by any of them.
  if (import.meta.filename.endsWith(".ts")) {
    enableCompileCache(fileURLToPath(new URL("../../node_modules/.cache/compile", import.meta.url)));
  }
  const { runCommandLine } = await import("./run.ts");
  // Who reads our output may have seen enough: `ashlar object ls photos | head`.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  // Once: the second signal ends the process as usual.
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  try {
    const streams = { out: process.stdout, err: process.stderr };
    return await runCommandLine(argv, { streams, environment: process.env, signal: stop.signal });
  } finally {
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  }
}
