import { type AshlarError, failures } from "../std/errors.ts";

export const CLUSTER_ERRORS = {
  TOKEN_INVALID: {
    what: "This is no join token.",
    advice: "Give the whole token, as `ashlar cluster token` prints it.",
  },
  TOKEN_REFUSED: {
    what: "The cluster does not take this join token.",
    advice: "It may be too old or used up: make another one with `ashlar cluster token`.",
  },
  NODE_UNKNOWN: {
    what: "The cluster has no such node.",
    advice: "`ashlar cluster status` lists its nodes.",
  },
  NODE_REMOVED: {
    what: "The node was removed from its cluster.",
    advice: "Its number never comes back: start it with an empty data directory and a join token, as a new node.",
  },
  NODE_SUPERSEDED: {
    what: "The node was started since from another state of its data directory: this one is a copy, or was put back.",
    advice:
      "Start it from the directory that was in use last. If that is gone, remove the node and join with an empty one.",
  },
  NODE_IN_USE: {
    what: "The node is in use.",
    advice: "Drain it first, or say that it is lost for good with `--force`.",
  },
  QUORUM_AT_RISK: {
    what: "Without this node too few others are left that answer: the cluster would stop.",
    advice: "Bring other nodes back first, or let new ones join.",
  },
  NODES_MAX: {
    what: "The cluster has as many nodes as it can.",
    advice: "Remove nodes that are gone.",
  },
  SECRET_UNREADABLE: {
    what: "The cluster's secrets can not be read with this node's seal key.",
    advice: "Check that its seal-key.json is the one of the other nodes.",
  },
  CONTENDED: {
    what: "Others changed the same rows again and again.",
    advice: "Try again.",
  },
  GROUPS_MAX: {
    what: "This node holds as many groups as it can.",
    advice: "Add nodes, or merge ranges.",
  },
  GROUP_UNKNOWN: {
    what: "The cluster has no such group.",
    advice: "`ashlar cluster ranges` lists them.",
  },
  GROUP_UNREADABLE: {
    what: "What this node holds of a group can not be read, and the group's other members are no quorum without it.",
    advice: "Bring the group's other nodes back, or restore the data directory from a backup.",
  },
  RANGES_BUSY: {
    what: "Keys are on their way from one group to another already.",
    advice: "Wait until that is done: `ashlar cluster ranges` shows how far it is.",
  },
  RANGE_REQUEST_INVALID: {
    what: "The ranges can not be changed like that.",
    advice: "Look at `ashlar cluster ranges`, then correct the request.",
  },
  CLUSTER_FORMAT_NEWER: {
    what: "What the cluster keeps about its nodes was written by a newer version.",
    advice: "Bring this node to the version of the others.",
  },
} as const;

export type ClusterErrorCode = keyof typeof CLUSTER_ERRORS;
export type ClusterError = AshlarError<ClusterErrorCode>;

export const clusterFailure: ReturnType<typeof failures<typeof CLUSTER_ERRORS>> = failures(CLUSTER_ERRORS);
