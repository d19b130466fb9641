import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { NodeEvent, Severity } from "../api/shapes.ts";
import { addEvent, LIVE_EVENTS_MAX, mergeEvents } from "./events.ts";

const event = (id: string, severity: Severity = "info"): NodeEvent => ({
  ...{ id, severity, at: "2026-01-01T00:00:00.000Z", kind: "k", object: "o", text: "t" },
});

describe("events", () => {
  test("those of the stream and those of the listing are one list, the newest first, each once", () => {
    const merged = mergeEvents([event("5"), event("4")], [event("4"), event("3")], "info");
    assert.deepEqual(
      merged.map(({ id }) => id),
      ["5", "4", "3"],
    );
  });

  test("the stream's are held to the page's severity", () => {
    const merged = mergeEvents([event("9"), event("8", "warning"), event("7", "error")], [], "warning");
    assert.deepEqual(
      merged.map(({ id }) => id),
      ["8", "7"],
    );
  });

  test("one that comes again after a new connection is not added, and their number is limited", () => {
    let live: readonly NodeEvent[] = [];
    for (let at = 0; at < LIVE_EVENTS_MAX + 10; at++) live = addEvent(live, event(String(at).padStart(5, "0")));
    assert.equal(live.length, LIVE_EVENTS_MAX);
    assert.equal(live[0]?.id, "00209");
    assert.equal(addEvent(live, live[5]!), live);
  });
});
