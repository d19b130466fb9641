import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Message, MessageType, newMessage } from "../../core/raft/index.ts";
import { EMPTY } from "../../std/bytes.ts";
import { CommitNews } from "./commit-news.ts";

const append = (to: number, index: number, commit: number, entries = 0): Message => ({
  ...newMessage(MessageType.append, to),
  ...{ term: 3, index, commit },
  entries: Array.from({ length: entries }, (_, at) => ({ term: 3, index: index + 1 + at, type: 0, data: EMPTY })),
});

/** What leaves in a turn that has these messages. */
function turn(news: CommitNews, messages: readonly Message[]): readonly Message[] {
  const sent = messages.filter((message) => !news.keeps(message));
  return [...sent, ...news.endTurn(() => {})];
}

describe("news of the commit index", () => {
  test("leave a turn later where nothing else says the same", () => {
    const news = new CommitNews();
    const messages = [append(2, 10, 10), append(3, 9, 9)];
    assert.deepEqual(turn(news, messages), []);
    assert.deepEqual(turn(news, []), messages);
    assert.deepEqual(turn(news, []), []);
  });

  test("need no message of their own where entries follow, in their turn or the next", () => {
    const news = new CommitNews();
    const entries = append(2, 10, 10, 2);
    assert.deepEqual(turn(news, [append(2, 10, 10), entries]), [entries]);
    assert.deepEqual(turn(news, []), []);
    assert.deepEqual(turn(news, [append(2, 10, 10)]), []);
    assert.deepEqual(turn(news, [entries]), [entries]);
    assert.deepEqual(turn(news, []), []);
  });

  test("are told though every turn brings newer ones", () => {
    const news = new CommitNews();
    assert.deepEqual(turn(news, [append(2, 10, 8)]), []);
    assert.deepEqual(turn(news, [append(2, 10, 9)]), [append(2, 10, 9)]);
    assert.deepEqual(turn(news, [append(2, 10, 10)]), []);
    assert.deepEqual(turn(news, []), [append(2, 10, 10)]);
  });

  test("are void by nothing that another follower, another term or an earlier place is told", () => {
    const news = new CommitNews();
    const messages = [append(3, 10, 10, 1), { ...append(2, 10, 10, 1), term: 4 }, append(2, 9, 9, 1)];
    assert.deepEqual(turn(news, [append(2, 10, 10)]), []);
    assert.deepEqual(turn(news, messages), [...messages, append(2, 10, 10)]);
  });

  test("are all that is kept", () => {
    const news = new CommitNews();
    const messages = [newMessage(MessageType.heartbeat, 2), newMessage(MessageType.appendResponse, 2)];
    assert.deepEqual(turn(news, messages), messages);
  });
});
