import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MessageType } from "../../../core/raft/index.ts";
import { NODES } from "./action.ts";
import type { Flight } from "./flights.ts";
import { BOX, labelPlaceOf, laneOf, NODE_RADIUS, placeOf, placeOfFlight } from "./geometry.ts";
import { kindOf, LEGEND } from "./labels.ts";

const flight = (parts: Partial<Flight> = {}): Flight => ({
  ...{ sequence: 1, from: 1, to: 2, type: MessageType.append, term: 1, isRejection: false, entries: 0 },
  ...{ sentMillis: 100, arrivalMillis: 300, lostMillis: undefined },
  ...parts,
});

describe("the picture", () => {
  test("has all nodes and their labels inside its box, apart from each other", () => {
    for (const id of NODES) {
      const { x, y } = placeOf(id);
      assert.ok(x - NODE_RADIUS > 0 && x + NODE_RADIUS < BOX.width && y - NODE_RADIUS > 0);
      const label = labelPlaceOf(id);
      assert.ok(label.y - 10 > 0 && label.y + 20 < BOX.height && label.x - 55 > 0 && label.x + 55 < BOX.width);
      const isApart = label.y > y ? label.y - 10 > y + NODE_RADIUS : label.y + 17 < y - NODE_RADIUS;
      assert.ok(isApart, "a label's two lines stand beside their node");
      for (const other of NODES.filter((each) => each !== id)) {
        assert.ok(Math.hypot(x - placeOf(other).x, y - placeOf(other).y) > 3 * NODE_RADIUS);
      }
    }
  });

  test("moves a message from one edge to the other, beside those that come the other way", () => {
    const { from, to } = laneOf(1, 2);
    assert.deepEqual(placeOfFlight(flight(), 100, false), from);
    assert.deepEqual(placeOfFlight(flight(), 300, false), to);
    const back = laneOf(2, 1);
    assert.ok(Math.hypot(from.x - back.to.x, from.y - back.to.y) > 6);
  });

  test("moves it in one jump where motion is not wanted", () => {
    const places = [120, 180, 220, 280].map((at) => placeOfFlight(flight(), at, true));
    assert.deepEqual(places[0], places[1]);
    assert.deepEqual(places[2], places[3]);
    assert.notDeepEqual(places[1], places[2]);
  });

  test("leaves a lost message where it was lost, for a moment", () => {
    const lost = flight({ lostMillis: 200 });
    assert.deepEqual(placeOfFlight(lost, 250, false), placeOfFlight(flight(), 200, false));
    assert.equal(placeOfFlight(lost, 601, false), undefined);
  });

  test("has a letter for every kind of message that crosses the network here", () => {
    assert.equal(kindOf(MessageType.voteResponse).isResponse, true);
    assert.equal(kindOf(MessageType.heartbeat).letter, "H");
    assert.ok(LEGEND.every(({ letter }) => /^[A-Z]$/.test(letter)));
  });
});
