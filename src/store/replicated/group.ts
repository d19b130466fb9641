import type { Group, HostedGroup } from "../../host/index.ts";
import type { CommandResult } from "../machine.ts";

/** What the Store needs of its group, on any of its members. */
export type StoreGroup = Group<CommandResult> &
  Pick<HostedGroup<CommandResult>, "lead" | "isLeader" | "status" | "observe">;
