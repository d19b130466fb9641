/** What the API says of a cluster's nodes, and of the ranges that its keys are cut into. */
export const CLUSTER_SHAPES = {
  Cluster: {
    type: "object",
    properties: {
      name: "text",
      id: "text",
      self: { type: "count", description: "The node that answers." },
      leader: { type: "count", description: "Missing while nobody leads." },
      canLose: "CanLose",
      summary: { type: "text", description: "As in `Can lose 1 more node.`" },
      nodes: { type: "list", items: "ClusterNode" },
      data: "ClusterData",
    },
    optional: ["leader", "data"],
  },

  ClusterData: {
    type: "object",
    properties: {
      volumes: "count",
      volumesAtRisk: {
        type: "count",
        description: "With fewer copies than they are to have, or with one to be moved.",
      },
      volumesUnreadable: { type: "count", description: "Of which no node that answers has a copy." },
      missingBytes: {
        type: "bytes",
        description: "To be copied until every volume has as many copies as it is to have.",
      },
      healing: {
        type: "object",
        description: "The copy that the node that answers has made on another one now, where there is one.",
        properties: { volume: "count", node: "count", bytes: "bytes" },
      },
    },
    optional: ["healing"],
  },

  ClusterNode: {
    type: "object",
    properties: {
      id: "count",
      state: { type: "text", enum: ["joining", "active", "draining", "removed"] },
      role: { type: "text", enum: ["leader", "voter", "learner", "none"] },
      zone: "text",
      peer: { type: "text", description: "Where the other nodes reach it." },
      endpoints: { type: "map", values: "url" },
      alive: { type: "flag", description: "Whether it has answered the leader lately." },
      entriesBehind: {
        type: "count",
        description: "Entries of the log that it does not hold yet, where that is known.",
      },
      groups: { type: "count", description: "Groups of ranges that are on it; a drained node has none." },
      joinedAt: "instant",
      certificateEndsAt: { type: "instant", description: "Missing where nodes speak without TLS." },
    },
    optional: ["entriesBehind", "certificateEndsAt"],
  },

  Ranges: {
    type: "object",
    properties: {
      ranges: { type: "list", items: "Range" },
      groups: { type: "list", items: "RangeGroup" },
      transfers: { type: "list", items: "RangeTransfer" },
    },
  },

  Range: {
    type: "object",
    properties: {
      from: { type: "octets", description: "The first key." },
      to: { type: "octets", description: "The first key behind it; missing of the last range." },
      group: "count",
      bytes: { type: "bytes", description: "Of its rows, where they were counted." },
      commitsPerSecond: { type: "count", description: "Of the whole group." },
    },
    optional: ["to", "bytes", "commitsPerSecond"],
  },

  RangeGroup: {
    type: "object",
    description: "All but group 1, which is on all nodes.",
    properties: {
      id: "count",
      state: { type: "text", enum: ["founding", "open", "retiring"] },
      nodes: { type: "list", items: "count", description: "Where it is to be." },
      members: { type: "list", items: "count", description: "Where it is." },
      leader: { type: "count", description: "Missing while nobody leads." },
      canLose: "CanLose",
    },
    optional: ["leader"],
  },

  RangeTransfer: {
    type: "object",
    properties: {
      id: "count",
      from: "octets",
      to: "octets",
      source: "count",
      target: "count",
      phase: { type: "text", enum: ["bringing", "releasing", "givingUp", "holding"] },
      attempt: "count",
      reason: "text",
      bytesBrought: { type: "bytes", description: "By the attempt that is under way." },
    },
    optional: ["to", "bytesBrought"],
  },
} as const;
