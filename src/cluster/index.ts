export { decodeJoinReply, encodeMessage, type JoinReply, type JoinRequest } from "./admission.ts";
export { CLUSTER_ERRORS, type ClusterError, type ClusterErrorCode, clusterFailure } from "./errors.ts";
export { foundCluster } from "./foundation.ts";
export { formatToken, type JoinToken, parseToken } from "./join-token.ts";
export {
  ADMISSION_METHODS,
  CLUSTER_METHODS,
  type ClusterName,
  claimThroughPeers,
  Membership,
  type MembershipOptions,
  type TokenRequest,
} from "./membership.ts";
export { NODE_ID_MAX, type NodeRow, type NodeState } from "./node-row.ts";
export { GROUPS_MAX, type GroupKeeper, type GroupKeeperEvent } from "./ranges/group-keeper.ts";
export { readLayout } from "./ranges/layout.ts";
export type { MoverEvent } from "./ranges/mover.ts";
export { abortTransfer, mergeRange, moveRange, splitRange } from "./ranges/range-changes.ts";
export { type RangeOptions, Ranges, type RangesSettings } from "./ranges/ranges.ts";
export type { GroupStatus, RangeStatus, RangesStatus, TransferStatus } from "./ranges/ranges-status.ts";
export { RANGE_BUGS, type RangeBug, type RangeBugs } from "./ranges/seeded-bugs.ts";
export { authorityRow, readAuthority } from "./secrets.ts";
export { CLUSTER_BUGS, type ClusterBug, type ClusterBugs } from "./seeded-bugs.ts";
export { type Claim, claimStart } from "./starts.ts";
export { type ClusterStatus, clusterStatus, type NodeStatus, withData } from "./status.ts";
export type { TokenHash } from "./token-rows.ts";
