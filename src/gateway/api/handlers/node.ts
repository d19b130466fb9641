import { environmentOf, flagOf } from "../../../std/options.ts";
import type { Event } from "../events/event-log.ts";
import type { WatchMessage } from "../events/watchers.ts";
import { type Handlers, PAGE_DEFAULT, type Services } from "../handler.ts";
import type { NODE_OPERATIONS } from "../operations/index.ts";
import type { Infer } from "../schema.ts";
import { instant, sampleShape } from "../status/reporter.ts";
import { SAMPLE_INTERVAL_MILLIS } from "../telemetry/sampler.ts";

/** Missed events that a stream begins with; more are to be read from the listing. */
const REPLAY_MAX = 100;

export function nodeHandlers(services: Services): Handlers<typeof NODE_OPERATIONS> {
  const { reporter, sampler, events, watchers, node } = services;
  return {
    getStatus: ({ call }) => reporter.status(call.origin),

    async listSamples() {
      return { intervalMillis: SAMPLE_INTERVAL_MILLIS, items: sampler.samples.map(sampleShape) };
    },

    async listEvents({ query: { after, limit = PAGE_DEFAULT, severity } }) {
      const { items, next } = await events.page({ after, limit, severity });
      return { items: items.map(eventShape), next };
    },

    async watch({ query, call }) {
      const since = call.headers.get("last-event-id") ?? query.since;
      const missed = since === undefined ? [] : await events.behind(since, REPLAY_MAX);
      const body = watchers.open([...missed.map(eventMessage), { type: "sample", data: sampleShape(sampler.latest) }]);
      const headers = ["Content-Type", "text/event-stream", "Cache-Control", "no-store", "X-Accel-Buffering", "no"];
      return { status: 200, headers, body };
    },

    async getConfiguration() {
      const { table, values } = node.configuration;
      return {
        items: Object.entries(table).map(([name, entry]) => ({
          name,
          flag: flagOf(name),
          environment: environmentOf(name),
          value: "secret" in entry && values[name] !== undefined ? "***" : values[name],
          isDefault: JSON.stringify(values[name]) === JSON.stringify(entry.default),
          text: entry.text,
        })),
      };
    },
  };
}

export function eventMessage(event: Event): WatchMessage {
  return { type: "event", id: event.id, data: eventShape(event) };
}

function eventShape({ atMillis, ...event }: Event): Infer<"Event"> {
  return { ...event, at: instant(atMillis) };
}
