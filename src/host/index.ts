export { HOST_ERRORS, type HostError, type HostErrorCode, hostFailure } from "./errors.ts";
export { SoloGroup, type SoloGroupLimits, type SoloGroupOptions } from "./solo-group.ts";
export type { Entry, Group, StateMachine } from "./state-machine.ts";
