/** Of generators, tags and ids. Ids are text: numbers of 63 bits lose digits in JavaScript. */
export const IDS_SHAPES = {
  IdCount: { type: "integer", minimum: 1, maximum: 100_000, description: "1 where left out." },
  IdsDescription: { type: "text", maxLength: 256 },
  TagOrder: {
    type: "text",
    enum: ["node", "global"],
    description: "`node`: numbers rise on each node. `global`: over all nodes, at the cost of a commit a request.",
  },
  TagStep: { type: "integer", minimum: 1, maximum: 1_000_000, description: "The least size of a node's block." },
  TagNumber: { type: "text", minLength: 1, maxLength: 19, description: "Decimal digits of a number below 2^63." },
  LayoutBits: { type: "integer", minimum: 0, maximum: 128 },

  IdBatch: {
    type: "object",
    properties: { ids: { type: "list", items: { type: "text", description: "Decimal digits." } } },
  },

  LayoutOrder: { type: "text", enum: ["time-worker-sequence", "time-sequence-worker"] },

  Generator: {
    type: "object",
    properties: {
      name: "text",
      builtIn: { type: "flag", description: "A known layout." },
      epoch: "instant",
      unitMillis: "integer",
      timeBits: "LayoutBits",
      workerBits: "LayoutBits",
      sequenceBits: "LayoutBits",
      order: "LayoutOrder",
      workerFirst: { type: "count", description: "Worker numbers are used from this one on." },
      workers: { type: "count", description: "How many are used." },
      windowMillis: { type: "integer", description: "How far ahead a node reserves time." },
      description: "text",
    },
  },

  DefineGenerator: {
    type: "object",
    properties: {
      layout: { type: "text", description: "A known one, as in `twitter`; what else is given changes it." },
      epoch: { type: "instant", description: "Not before 1970." },
      unitMillis: { type: "integer", minimum: 1 },
      timeBits: "LayoutBits",
      workerBits: "LayoutBits",
      sequenceBits: "LayoutBits",
      order: "LayoutOrder",
      workerFirst: { type: "integer", minimum: 0 },
      workers: { type: "integer", minimum: 1, description: "At most 65,536." },
      windowMillis: { type: "integer", minimum: 200, maximum: 60_000, description: "1 second where left out." },
      description: "IdsDescription",
    },
    optional: [
      "layout",
      "epoch",
      "unitMillis",
      "timeBits",
      "workerBits",
      "sequenceBits",
      "order",
      "workerFirst",
      "workers",
      "windowMillis",
      "description",
    ],
  },

  Tag: {
    type: "object",
    properties: {
      name: "text",
      order: "TagOrder",
      step: "TagStep",
      next: { type: "text", description: "The least number that no node has fetched." },
      description: "text",
      updatedAt: "instant",
    },
  },

  CreateTag: {
    type: "object",
    properties: { order: "TagOrder", step: "TagStep", first: "TagNumber", description: "IdsDescription" },
    optional: ["order", "step", "first", "description"],
  },

  IdReading: {
    type: "object",
    properties: {
      kind: { type: "text", description: "A layout, `ulid`, or `uuid` with its version." },
      id: { type: "text", description: "Decimal digits." },
      time: { type: "text", description: "As the id tells it, where it tells one." },
      fields: {
        type: "list",
        items: { type: "object", properties: { name: "text", bits: "count", value: "text" } },
        description: "From the most significant.",
      },
      plausibility: { type: "text", enum: ["likely", "unlikely"] },
      why: "text",
    },
    optional: ["time"],
  },
} as const;
