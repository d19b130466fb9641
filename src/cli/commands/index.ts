// Commands are loaded when they are called for: most of them need little of what others do, such as a server.

import type { Command } from "../command.ts";

type Load = () => Promise<readonly Command[]>;

/** By the first words of their commands, in the order of the help. */
const FILES: readonly (readonly [words: readonly string[], load: Load])[] = [
  [["serve"], async () => (await import("./serve.ts")).SERVE_COMMANDS],
  [["status", "event", "config"], async () => (await import("./status.ts")).STATUS_COMMANDS],
  [["bucket"], async () => (await import("./bucket.ts")).BUCKET_COMMANDS],
  [["object"], async () => (await import("./object.ts")).OBJECT_COMMANDS],
  [["kv"], async () => (await import("./kv.ts")).KV_COMMANDS],
  [["id"], async () => (await import("./id.ts")).ID_COMMANDS],
  [["user", "key"], async () => (await import("./user.ts")).USER_COMMANDS],
  [["policy"], async () => (await import("./policy.ts")).POLICY_COMMANDS],
  [["volume"], async () => (await import("./volume.ts")).VOLUME_COMMANDS],
  [["store"], async () => (await import("./store.ts")).STORE_COMMANDS],
  [["log"], async () => (await import("./log.ts")).LOG_COMMANDS],
  [["cluster"], async () => (await import("./cluster.ts")).CLUSTER_COMMANDS],
  [["cluster"], async () => (await import("./cluster-repair.ts")).CLUSTER_REPAIR_COMMANDS],
  [["backup", "restore"], async () => (await import("./backup.ts")).BACKUP_COMMANDS],
  [["check"], async () => (await import("./check.ts")).CHECK_COMMANDS],
  [["sim"], async () => (await import("./sim.ts")).SIM_COMMANDS],
  [["bench"], async () => (await import("./bench.ts")).BENCH_COMMANDS],
  [["version"], async () => (await import("./version.ts")).VERSION_COMMANDS],
];

/** Every command, in the order of the help. */
export async function allCommands(): Promise<readonly Command[]> {
  return loaded(FILES);
}

/** Those that begin with the word; all of them where none does, for who looks for what may have been meant. */
export async function commandsOf(word: string | undefined): Promise<readonly Command[]> {
  const files = FILES.filter(([words]) => word !== undefined && words.includes(word));
  return files.length === 0 ? allCommands() : loaded(files);
}

async function loaded(files: typeof FILES): Promise<readonly Command[]> {
  return (await Promise.all(files.map(([, load]) => load()))).flat();
}
