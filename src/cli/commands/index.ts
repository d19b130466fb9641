import type { Command } from "../command.ts";
import { BACKUP_COMMANDS } from "./backup.ts";
import { BENCH_COMMANDS } from "./bench.ts";
import { BUCKET_COMMANDS } from "./bucket.ts";
import { CHECK_COMMANDS } from "./check.ts";
import { LOG_COMMANDS } from "./log.ts";
import { OBJECT_COMMANDS } from "./object.ts";
import { POLICY_COMMANDS } from "./policy.ts";
import { SERVE_COMMANDS } from "./serve.ts";
import { SIM_COMMANDS } from "./sim.ts";
import { STATUS_COMMANDS } from "./status.ts";
import { STORE_COMMANDS } from "./store.ts";
import { USER_COMMANDS } from "./user.ts";
import { VERSION_COMMANDS } from "./version.ts";
import { VOLUME_COMMANDS } from "./volume.ts";

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  ...SERVE_COMMANDS,
  ...STATUS_COMMANDS,
  ...BUCKET_COMMANDS,
  ...OBJECT_COMMANDS,
  ...USER_COMMANDS,
  ...POLICY_COMMANDS,
  ...VOLUME_COMMANDS,
  ...STORE_COMMANDS,
  ...LOG_COMMANDS,
  ...BACKUP_COMMANDS,
  ...CHECK_COMMANDS,
  ...SIM_COMMANDS,
  ...BENCH_COMMANDS,
  ...VERSION_COMMANDS,
];
