/** Of the state of a node, and how it got there. */
export const STATUS_SHAPES = {
  Sample: {
    description: "What the node did in the seconds before `at`.",
    type: "object",
    properties: {
      at: "instant",
      requestsPerSecond: "rate",
      errorsPerSecond: { type: "rate", description: "Answers of 500 and above." },
      receivedBytesPerSecond: "rate",
      sentBytesPerSecond: "rate",
      p50Millis: { type: "millis", description: "Half of the requests took at most this long." },
      p99Millis: "millis",
      stallMillis: { type: "millis", description: "The longest turn of the event loop." },
      freeBytes: "bytes",
    },
  },

  Fault: {
    type: "object",
    properties: {
      object: { type: "text", description: "What is not as it should be, as in `volume 7`." },
      severity: { type: "text", enum: ["warning", "error"] },
      since: "instant",
      what: "text",
      command: { type: "text", description: "The command line that shows more of it or repairs it." },
    },
  },

  Status: {
    type: "object",
    properties: {
      health: { type: "text", enum: ["healthy", "degraded", "unhealthy"] },
      sentence: { type: "text", description: "The state of the node in one sentence." },
      version: "text",
      node: "text",
      at: "instant",
      startedAt: "instant",
      uptimeMillis: "millis",
      endpoints: { type: "map", values: "url" },
      counts: {
        type: "object",
        properties: { buckets: "count", users: "count", policies: "count", volumes: "count" },
      },
      capacity: {
        type: "object",
        properties: {
          totalBytes: { type: "bytes", description: "Of the disk that holds the data directory." },
          freeBytes: "bytes",
          reserveBytes: { type: "bytes", description: "Free space that writes leave alone." },
          volumeBytes: { type: "bytes", description: "Of the volumes' files." },
          garbageBytes: {
            type: "bytes",
            description: "In volumes, of what was deleted and is not compacted away yet.",
          },
        },
      },
      rates: "Sample",
      faults: { type: "list", items: "Fault" },
      cluster: "ClusterSummary",
    },
    optional: ["cluster"],
  },

  ClusterSummary: {
    type: "object",
    description: "Missing for a node that is alone, and where nobody who leads can be reached.",
    properties: {
      name: "text",
      nodes: { type: "count", description: "That belong to the cluster." },
      nodesAlive: { type: "count", description: "Of those, that have answered the leader lately." },
      canLose: "CanLose",
      summary: { type: "text", description: "As in `Can lose 1 more node.`" },
    },
  },

  CanLose: { type: "integer", description: "How many more nodes may fail, whichever they are; -1: too many have." },
} as const;
