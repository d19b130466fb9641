import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { toHex } from "../../std/bytes.ts";
import { AshlarError } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { fuzzRuns, simulationSeeds } from "../../testing/seeds.ts";
import { decodeMessage, encodeFrame, encodeMessage, THRIFT_ERRORS, ThriftFrameParser } from "./index.ts";
import { thriftMessages } from "./testing/arbitrary.ts";

const RUNS = fuzzRuns(3_000);
const [SEED = 1] = simulationSeeds(1);
const LIMITS = { stringBytesMax: 64, depthMax: 16 };
const FRAME_BYTES_MAX = 400;

test(`a damaged message is refused by name, or is another message that comes back as it was read (${RUNS} runs)`, () => {
  const messages = fc.sample(thriftMessages(), { numRuns: RUNS, seed: SEED });
  let refused = 0;
  for (const [at, message] of messages.entries()) {
    const seed = SEED * 1_000_003 + at;
    const bytes = damage(new Prng(seed), encodeMessage(message));
    try {
      const read = decodeMessage(bytes, LIMITS);
      deepEqual(decodeMessage(encodeMessage(read), LIMITS), read, `seed ${seed}: ${toHex(bytes)}`);
    } catch (error) {
      const isNamed = error instanceof AshlarError && Object.hasOwn(THRIFT_ERRORS, error.code);
      ok(isNamed, `seed ${seed}: ${toHex(bytes)}: ${error}`);
      refused++;
    }
  }
  ok(refused > RUNS / 10, `${refused} of ${RUNS} were refused`);
});

test(`cutting a stream makes no difference, damaged or not (${RUNS} runs)`, () => {
  const messages = fc.sample(thriftMessages(), { numRuns: RUNS, seed: SEED + 1 });
  for (const [at, message] of messages.entries()) {
    const seed = SEED * 1_000_003 + at;
    const prng = new Prng(seed);
    const frame = encodeFrame(message);
    const stream = prng.chance(0.5) ? damage(prng, frame) : frame;
    const whole = framesOf([stream]);
    deepEqual(framesOf(cut(prng, stream)), whole, `seed ${seed}: ${toHex(stream)}`);
    if (stream === frame && frame.length <= FRAME_BYTES_MAX) equal(whole.frames[0], toHex(frame.subarray(4)));
  }
});

function framesOf(chunks: readonly Uint8Array[]) {
  const frames: string[] = [];
  const parser = new ThriftFrameParser(FRAME_BYTES_MAX, (frame) => frames.push(toHex(frame)));
  let failure: string | undefined;
  for (const chunk of chunks) failure = parser.take(chunk)?.code;
  return { frames, failure };
}

function cut(prng: Prng, stream: Uint8Array): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < stream.length; ) {
    const length = 1 + prng.below(12);
    chunks.push(stream.slice(at, at + length));
    at += length;
  }
  return chunks;
}

/** Some bytes changed, dropped or put in. */
function damage(prng: Prng, bytes: Uint8Array): Uint8Array {
  const damaged = [...bytes];
  for (let left = 1 + prng.below(3); left > 0; left--) {
    const at = prng.below(damaged.length + 1);
    const added = prng.chance(0.6) ? [prng.chance(0.5) ? prng.below(16) : prng.below(256)] : [];
    damaged.splice(at, prng.below(2), ...added);
  }
  return Uint8Array.from(damaged);
}
