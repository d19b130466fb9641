export { HOST_ERRORS, type HostError, type HostErrorCode, hostFailure } from "./errors.ts";
export type { GroupObserver } from "./group-member.ts";
export type { GroupEvent } from "./group-services.ts";
export type { HostedGroup } from "./hosted-group.ts";
export { MemoryNetwork } from "./memory-network.ts";
export { type CoreOptions, GROUP_DEFAULTS, type GroupLimits, HOST_DEFAULTS, type HostLimits } from "./options.ts";
export {
  type HostCounters,
  type HostGauges,
  type OpenGroupOptions,
  RaftHost,
  type RaftHostOptions,
} from "./raft-host.ts";
export { type QuorumLoss, type QuorumLossRepair, repairLostQuorum } from "./repair.ts";
export type { Capture, Entry, Group, StateMachine } from "./state-machine.ts";
export type { Transport, TransportHandlers } from "./transport.ts";
