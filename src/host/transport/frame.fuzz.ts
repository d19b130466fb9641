import assert from "node:assert/strict";
import { test } from "node:test";
import { type Message, MessageType, newMessage } from "../../core/raft/index.ts";
import { hasCode } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { fuzzRuns, simulationSeeds } from "../../testing/seeds.ts";
import { type FrameHandler, FrameWriter, readFrame } from "./frame.ts";

const RUNS = fuzzRuns(20_000);
const [SEED = 1] = simulationSeeds(1);
const IGNORE: FrameHandler = { message() {}, request() {}, piece() {}, founding() {}, refusal() {}, unsafe() {} };

const below = (prng: Prng, limit: number): number => prng.u32() % limit;
const number = (prng: Prng): number => below(prng, 2 ** below(prng, 32) + 1);
const bytes = (prng: Prng): Uint8Array => Uint8Array.from({ length: below(prng, 40) }, () => below(prng, 256));

function randomMessage(prng: Prng): Message {
  const message = newMessage(below(prng, 26) as MessageType, number(prng));
  Object.assign(message, { from: number(prng), term: number(prng), index: number(prng), logTerm: number(prng) });
  if (below(prng, 2) === 0) message.context = bytes(prng);
  if (message.type === MessageType.append) {
    message.entries = [{ index: message.index + 1, term: message.term, type: 0, data: bytes(prng) }];
  }
  return message;
}

function randomFrame(prng: Prng): Uint8Array {
  const writer = new FrameWriter();
  writer.begin(number(prng), number(prng));
  for (let left = below(prng, 6); left > 0; left--) {
    const request = { group: number(prng), index: number(prng), term: number(prng), offset: number(prng) };
    const kind = below(prng, 6);
    if (kind === 0) writer.message(request.group, randomMessage(prng));
    else if (kind === 1) writer.request(request);
    else if (kind === 2) writer.piece({ ...request, bytesTotal: number(prng), bytes: bytes(prng) });
    else if (kind === 3) writer.founding(request.group, "something", number(prng));
    else if (kind === 4) writer.unsafe(request.group, { life: number(prng), number: number(prng), why: "no quorum" });
    else writer.refusal(request.group, { life: number(prng), sequence: number(prng) });
  }
  return writer.finish();
}

test(`any bytes are a frame or FRAME_MALFORMED (seed ${SEED}, ${RUNS} runs)`, () => {
  const prng = new Prng(SEED);
  for (let run = 0; run < RUNS; run++) {
    const frame = randomFrame(prng);
    readFrame(frame, () => true, IGNORE);
    const damaged = frame.slice(0, 1 + below(prng, frame.length));
    for (let left = below(prng, 4); left > 0; left--) damaged[below(prng, damaged.length)] = below(prng, 256);
    try {
      readFrame(damaged, () => true, IGNORE);
    } catch (error) {
      assert.ok(hasCode(error, "FRAME_MALFORMED"), `seed ${SEED}, run ${run}: ${error}`);
    }
  }
});
