export const NODE_OPERATIONS = [
  {
    name: "getStatus",
    method: "GET",
    path: "/v1/status",
    summary: "The state of the node: one sentence, counts, capacity, rates, faults",
    access: { action: "ashlar:GetStatus", on: "cluster" },
    reply: "Status",
  },
  {
    name: "listSamples",
    method: "GET",
    path: "/v1/samples",
    summary: "Rates and latencies of the last 15 minutes, the oldest first",
    notes: ["One sample every 5 seconds, kept in memory: a restart begins anew."],
    access: { action: "ashlar:GetStatus", on: "cluster" },
    reply: {
      type: "object",
      properties: { intervalMillis: { type: "integer" }, items: { type: "list", items: "Sample" } },
    },
  },
  {
    name: "listEvents",
    method: "GET",
    path: "/v1/events",
    summary: "What happened to the node and what operators did, the newest first",
    notes: ["The newest 10,000 are kept."],
    access: { action: "ashlar:ListEvents", on: "cluster" },
    query: {
      type: "object",
      properties: {
        after: "After",
        limit: "PageLimit",
        severity: { type: "text", enum: ["info", "warning", "error"], description: "At least as severe." },
      },
      optional: ["after", "limit", "severity"],
    },
    reply: "EventPage",
  },
  {
    name: "watch",
    method: "GET",
    path: "/v1/watch",
    summary: "A stream of samples and events as they come (server-sent events)",
    notes: [
      "Messages `sample` (every 5 seconds), `event` and `lost` (with the number of messages that a slow reader missed).",
      "A stream ends after 10 minutes; connect again with the `Last-Event-ID` header, or `since`, to miss no event.",
      "At most 64 are connected.",
    ],
    access: { action: "ashlar:WatchEvents", on: "cluster" },
    query: {
      type: "object",
      properties: { since: { type: "text", description: "Id of the last event that was seen." } },
      optional: ["since"],
    },
    reply: "events",
  },
  {
    name: "getConfiguration",
    method: "GET",
    path: "/v1/configuration",
    summary: "The options that the node runs with; secrets are masked",
    access: { action: "ashlar:GetConfiguration", on: "cluster" },
    reply: {
      type: "object",
      properties: {
        items: {
          type: "list",
          items: {
            title: "ConfigurationEntry",
            type: "object",
            properties: {
              name: { type: "text" },
              flag: { type: "text" },
              environment: { type: "text" },
              value: { type: "any", description: "`***` for a secret." },
              isDefault: { type: "flag" },
              text: { type: "text" },
            },
            optional: ["value"],
          },
        },
      },
    },
  },
] as const;
