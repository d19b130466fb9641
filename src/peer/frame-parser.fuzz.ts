import { equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { concatBytes, equalBytes } from "../std/bytes.ts";
import { Prng } from "../std/prng.ts";
import { fuzzRuns, simulationSeeds } from "../testing/seeds.ts";
import type { PeerError } from "./errors.ts";
import { FrameParser } from "./frame-parser.ts";
import { decodeHello, decodeRefusal, decodeWelcome, FRAME_KINDS, frameHeader } from "./wire.ts";

const [SEED = 1] = simulationSeeds(1);
const RUNS = fuzzRuns(800);
const PAYLOAD_BYTES_MAX = 20_000;

interface Frame {
  readonly kind: number;
  readonly payload: Uint8Array;
}

interface Parsed {
  readonly frames: readonly Frame[];
  readonly failure: PeerError | undefined;
}

test(`frames come out as they went in, however the stream is cut (${RUNS} runs)`, () => {
  for (let at = 0; at < RUNS; at++) {
    const seed = SEED * 1_000_003 + at;
    const prng = new Prng(seed);
    const frames = drawFrames(prng);
    const parsed = parse(cut(prng, streamOf(frames)));
    equal(parsed.failure, undefined, `seed ${seed}`);
    ok(areEqual(parsed.frames, frames), `seed ${seed}`);
  }
});

test(`a damaged stream gives the frames before the damage and no wrong one (${RUNS} runs)`, () => {
  let refused = 0;
  for (let at = 0; at < RUNS; at++) {
    const seed = SEED * 1_000_003 + at;
    const prng = new Prng(seed);
    const frames = drawFrames(prng);
    const stream = damage(prng, streamOf(frames));
    const whole = parse([stream.slice()]);
    const inParts = parse(cut(prng, stream));
    ok(areEqual(inParts.frames, whole.frames), `seed ${seed}: cutting makes no difference`);
    equal(inParts.failure?.code, whole.failure?.code, `seed ${seed}`);
    // Damage may take whole frames out or repeat them, never change one.
    const known = new Set(frames.map(keyOf));
    for (const frame of whole.frames) ok(known.has(keyOf(frame)), `seed ${seed}: a frame that was never sent`);
    if (whole.failure !== undefined) refused++;
  }
  ok(refused > RUNS / 4, `${refused} of ${RUNS} were refused`);
});

test(`noise is never more than noise (${RUNS} runs)`, () => {
  for (let at = 0; at < RUNS; at++) {
    const seed = SEED * 1_000_003 + at;
    const prng = new Prng(seed);
    const noise = prng.bytes(prng.below(200));
    equal(parse(cut(prng, noise)).frames.length, 0, `seed ${seed}`);
    for (const decode of [decodeHello, decodeWelcome, decodeRefusal]) decode(noise);
  }
});

function drawFrames(prng: Prng): Frame[] {
  const kinds = Object.values(FRAME_KINDS);
  const lengths = [0, 1, 20, 200, 5_000, 5_200, PAYLOAD_BYTES_MAX];
  return Array.from({ length: prng.below(8) }, () => ({
    kind: prng.pick(kinds),
    payload: prng.bytes(prng.below(prng.pick(lengths) + 1)),
  }));
}

function streamOf(frames: readonly Frame[]): Uint8Array {
  return concatBytes(frames.flatMap(({ kind, payload }) => [frameHeader(kind, payload), payload]));
}

function cut(prng: Prng, stream: Uint8Array): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  const lengthMax = 1 + prng.below(prng.pick([3, 30, 1_000, 50_000]));
  for (let at = 0; at < stream.length; ) {
    const length = 1 + prng.below(lengthMax);
    chunks.push(stream.slice(at, at + length));
    at += length;
  }
  return chunks;
}

/** A changed bit, a piece that is missing, doubled or moved, or an early end. */
function damage(prng: Prng, stream: Uint8Array): Uint8Array {
  const at = prng.below(stream.length + 1);
  const length = prng.below(Math.min(stream.length - at, 64) + 1);
  const rest = stream.slice(at + length);
  switch (prng.below(4)) {
    case 0: {
      const changed = stream.slice();
      if (at < changed.length) changed[at]! ^= 1 << prng.below(8);
      return changed;
    }
    case 1:
      return concatBytes([stream.slice(0, at), rest]);
    case 2:
      return concatBytes([stream.slice(0, at + length), stream.slice(at, at + length), rest]);
    default:
      return stream.slice(0, at);
  }
}

function parse(chunks: readonly Uint8Array[]): Parsed {
  const frames: Frame[] = [];
  const parser = new FrameParser(PAYLOAD_BYTES_MAX, (kind, payload) => frames.push({ kind, payload: payload.slice() }));
  let failure: PeerError | undefined;
  for (const chunk of chunks) {
    failure = parser.take(chunk);
    chunk.fill(0xa5);
  }
  return { frames, failure };
}

function areEqual(left: readonly Frame[], right: readonly Frame[]): boolean {
  return (
    left.length === right.length &&
    left.every(({ kind, payload }, at) => kind === right[at]!.kind && equalBytes(payload, right[at]!.payload))
  );
}

function keyOf({ kind, payload }: Frame): string {
  return `${kind} ${payload.join()}`;
}
