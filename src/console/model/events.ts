import type { NodeEvent, Severity } from "../api/shapes.ts";

const SEVERITIES: readonly Severity[] = ["info", "warning", "error"];
export const LIVE_EVENTS_MAX = 200;

/** The newest first, each once; what came over the stream before the page of the listing. */
export function mergeEvents(
  live: readonly NodeEvent[],
  listed: readonly NodeEvent[],
  severity: Severity,
): readonly NodeEvent[] {
  const known = new Set(listed.map(({ id }) => id));
  const fresh = live.filter((event) => !known.has(event.id) && isAtLeast(event, severity));
  return [...fresh, ...listed].toSorted((left, right) => (left.id < right.id ? 1 : -1));
}

/** With one more, the newest first; the oldest go where there are too many. */
export function addEvent(live: readonly NodeEvent[], event: NodeEvent): readonly NodeEvent[] {
  if (live.some(({ id }) => id === event.id)) return live;
  return [event, ...live].slice(0, LIVE_EVENTS_MAX);
}

function isAtLeast(event: NodeEvent, severity: Severity): boolean {
  return SEVERITIES.indexOf(event.severity) >= SEVERITIES.indexOf(severity);
}
