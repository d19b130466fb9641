import { equal, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import {
  configurationOf,
  MemoryStorage,
  type Message,
  MessageType,
  newMessage,
  RaftNode,
} from "../../core/raft/index.ts";
import { EMPTY } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { lostState } from "./lost-state.ts";

const INCARNATION = 7;

/** A member of three in term 3, whose log ends at 5. */
function member(isLost = false): RaftNode {
  const storage = new MemoryStorage();
  const configuration = configurationOf({ voters: [1, 2, 3] });
  storage.applySnapshot({ index: 5, term: 3, configuration, data: EMPTY });
  storage.setHardState({ term: 3, vote: 0, commit: 5, incarnation: INCARNATION, isLost });
  return new RaftNode({ id: 1, storage, random: () => 0, applied: 5 });
}

function heartbeat(parts: Partial<Message> = {}): Message {
  return Object.assign(newMessage(MessageType.heartbeat, 1), {
    from: 2,
    term: 3,
    incarnation: INCARNATION,
    commit: 6,
    ...parts,
  });
}

describe("a member whose data was put back", () => {
  test("is told by a leader that speaks of what it had acknowledged", () => {
    const error = lostState(heartbeat(), member());
    ok(hasCode(error, "STATE_LOST"));
    equal(error.data["acknowledged"], 6);
    ok(lostState(heartbeat({ term: 9 }), member()) !== undefined, "a later leader's word counts as well");
  });

  test("is not taken for one that has all it acknowledged, or said that it lost its disk", () => {
    const fine: readonly (readonly [string, Message, RaftNode])[] = [
      ["it holds as much", heartbeat({ commit: 5 }), member()],
      ["an earlier leader knows nothing", heartbeat({ term: 2 }), member()],
      ["it was another life's word", heartbeat({ incarnation: INCARNATION - 1 }), member()],
      ["it has said so", heartbeat(), member(true)],
      ["an append brings what is missing", heartbeat({ type: MessageType.append }), member()],
    ];
    for (const [why, message, node] of fine) equal(lostState(message, node), undefined, why);
  });
});
