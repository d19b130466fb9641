export { HOST_ERRORS, type HostError, type HostErrorCode, hostFailure } from "./errors.ts";
export type { GroupEvent, GroupObserver } from "./group-services.ts";
export type { HostedGroup } from "./hosted-group.ts";
export {
  examineLostQuorum,
  goesOnByItself,
  membersInLog,
  type QuorumLoss,
  type QuorumLossFindings,
  type QuorumLossRepair,
  repairLostQuorum,
} from "./members/repair.ts";
export { type CoreOptions, GROUP_DEFAULTS, type GroupLimits, HOST_DEFAULTS, type HostLimits } from "./options.ts";
export {
  type HostCounters,
  type HostGauges,
  type OpenGroupOptions,
  RaftHost,
  type RaftHostOptions,
} from "./raft-host.ts";
export { HOST_BUGS, type HostBug, type HostBugs } from "./seeded-bugs.ts";
export { ClientSession } from "./sessions/client.ts";
export { encodePlain } from "./sessions/command.ts";
export { SessionMachine, type SessionOutcome } from "./sessions/machine.ts";
export { SESSION_BUGS, type SessionBug, type SessionBugs } from "./sessions/seeded-bugs.ts";
export type { Capture, Entry, Group, StateMachine } from "./state-machine.ts";
export { MemoryNetwork } from "./transport/memory-network.ts";
export type { Transport, TransportHandlers } from "./transport/transport.ts";
