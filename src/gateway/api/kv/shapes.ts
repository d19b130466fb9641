/** Of keys and values. */
export const KV_SHAPES = {
  TimeoutMillis: {
    type: "integer",
    minimum: 1,
    maximum: 60_000,
    description: "How long the request may wait; 10 seconds where left out.",
  },
  ReadLevelName: {
    type: "text",
    enum: ["linearizable", "stale"],
    description: "`stale` reads what this node has; linearizable where left out.",
  },
  AtLeast: { type: "text", description: "A position: reads a state that holds at least what it has seen." },
  Position: { type: "text", description: "How much of the Store the answer has seen, for `atLeast` and `since`." },
  Timeout: { type: "object", properties: { timeoutMillis: "TimeoutMillis" }, optional: ["timeoutMillis"] },
  LeaseTtl: { type: "integer", minimum: 1000, maximum: 86_400_000 },
  KeyPrefix: { type: "octets", description: "Keys that begin with it." },
  OneKey: { type: "octets", description: "All rows of one key." },
  SuffixPrefix: { type: "octets", description: "With `key`: only suffixes that begin with it." },
  KeyFrom: { type: "octets", description: "The first key of a range." },
  KeyTo: { type: "octets", description: "The key behind the last one of a range." },

  RowAddress: {
    type: "object",
    properties: {
      key: "octets",
      suffix: { type: "octets", description: "Rows of one key differ in it; empty where left out." },
    },
    optional: ["suffix"],
  },

  Row: {
    type: "object",
    properties: {
      key: "octets",
      suffix: "octets",
      value: "octets",
      revision: { type: "integer", description: "Of one key it only grows: (key, revision) is a fencing token." },
      leased: { type: "flag", description: "It is deleted when its lease ends." },
    },
    optional: ["suffix", "leased"],
  },

  RowPut: {
    type: "object",
    properties: { key: "octets", suffix: "octets", value: "octets" },
    optional: ["suffix"],
  },

  RowCheck: {
    description: "Either the revision that the row has, or that there is none.",
    type: "object",
    properties: {
      key: "octets",
      suffix: "octets",
      revision: { type: "integer", minimum: 1 },
      absent: "flag",
    },
    optional: ["suffix", "revision", "absent"],
  },

  RowChange: {
    type: "object",
    properties: {
      key: "octets",
      suffix: "octets",
      value: { type: "octets", description: "Absent: the row was deleted." },
      revision: "integer",
    },
    optional: ["suffix", "value"],
  },
} as const;
