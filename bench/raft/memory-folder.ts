import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { NotRun } from "../not-run.ts";

const MEMORY = "/dev/shm";

/** A folder whose files are memory: for peers that have no way to leave out the sync. */
export async function memoryFolder(name: string): Promise<AsyncDisposable & { readonly path: string }> {
  if (!existsSync(MEMORY)) throw new NotRun(`no ${MEMORY}`);
  const path = await mkdtemp(`${MEMORY}/ashlar-${name}-`);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
