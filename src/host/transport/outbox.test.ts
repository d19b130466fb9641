import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type FrameHandler, type FrameHead, readFrame } from "./frame.ts";
import { Outbox } from "./outbox.ts";

function outbox(frameBytes = 1000): { readonly box: Outbox; readonly sent: (readonly [number, number, number])[] } {
  const sent: (readonly [number, number, number])[] = [];
  const box = new Outbox(5, frameBytes, (to, frame) => {
    let head: FrameHead | undefined;
    let parts = 0;
    const handler = { refusal: () => parts++ } as unknown as FrameHandler;
    readFrame(
      frame,
      (one) => {
        head = one;
        return true;
      },
      handler,
    );
    assert.equal(head!.life, 5);
    sent.push([to, head!.number, parts]);
  });
  return { box, sent };
}
const NAME = { life: 1, sequence: 1 };

describe("what a turn sends", () => {
  test("leaves in one frame a node, and frames are numbered for each node", () => {
    const { box, sent } = outbox();
    for (const node of [2, 3, 2]) box.to(node).refusal(7, NAME);
    box.flush();
    box.to(2).refusal(7, NAME);
    box.flush();
    assert.deepEqual(sent, [
      [2, 1, 2],
      [3, 1, 1],
      [2, 2, 1],
    ]);
  });

  test("leaves before the end of the turn where a frame has become long", () => {
    const { box, sent } = outbox(10);
    for (let count = 0; count < 5; count++) box.to(2).refusal(7, NAME);
    assert.ok(sent.length >= 1);
    box.flush();
    assert.equal(
      sent.reduce((sum, [, , parts]) => sum + parts, 0),
      5,
    );
    assert.deepEqual(
      sent.map(([, number]) => number),
      sent.map((_, at) => at + 1),
    );
  });

  test("is an empty frame to those that nothing else was sent to since the last beat", () => {
    const { box, sent } = outbox();
    box.to(2).refusal(7, NAME);
    box.to(3);
    box.flush();
    box.beat();
    assert.deepEqual(sent, [
      [2, 1, 1],
      [3, 1, 0],
    ]);
    for (const node of [2, 3]) box.to(node);
    box.beat();
    assert.deepEqual(sent.slice(2), [
      [2, 2, 0],
      [3, 2, 0],
    ]);
  });
});
