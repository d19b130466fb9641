import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CommitEvent } from "../machine.ts";
import { History } from "./history.ts";

function event(revision: number, valueBytes = 0): CommitEvent {
  return { revision, changes: [{ key: Uint8Array.of(1), value: new Uint8Array(valueBytes) }] };
}

function kept(history: History): number[] {
  const revisions: number[] = [];
  for (let place = history.first; place < history.end; place++) revisions.push(history.at(place).revision);
  return revisions;
}

describe("the history of commits", () => {
  test("keeps the last events up to its limit, through many turns of the ring", () => {
    const history = new History({ eventsMax: 4, bytesMax: 1_000_000 }, 100);
    for (let revision = 101; revision <= 130; revision++) {
      history.add(event(revision));
      const first = Math.max(101, revision - 3);
      assert.deepEqual(
        kept(history),
        Array.from({ length: revision - first + 1 }, (_, at) => first + at),
      );
    }
  });

  test("keeps events up to its limit of bytes, and always the last one", () => {
    const history = new History({ eventsMax: 100, bytesMax: 1000 }, 0);
    for (let revision = 1; revision <= 10; revision++) history.add(event(revision, 200));
    assert.deepEqual(kept(history), [8, 9, 10]);
    history.add(event(11, 5000));
    assert.deepEqual(kept(history), [11]);
    history.add(event(12));
    assert.deepEqual(kept(history), [12], "the large one no longer fits beside another");
  });

  test("finds the place behind any revision, or says that commits behind it are gone", () => {
    const history = new History({ eventsMax: 3, bytesMax: 1_000_000 }, 10);
    assert.equal(history.placeAfter(9), undefined);
    assert.equal(history.placeAfter(10), 0);
    for (const revision of [12, 15, 16]) history.add(event(revision));
    const revisionsAfter = (revision: number): number[] | undefined => {
      const place = history.placeAfter(revision);
      return place === undefined ? undefined : kept(history).slice(place - history.first);
    };
    assert.deepEqual(revisionsAfter(10), [12, 15, 16]);
    assert.deepEqual(revisionsAfter(13), [15, 16]);
    assert.deepEqual(revisionsAfter(16), []);
    history.add(event(20));
    assert.equal(revisionsAfter(11), undefined);
    assert.deepEqual(revisionsAfter(12), [15, 16, 20], "nothing that came behind 12 is gone");
  });
});
