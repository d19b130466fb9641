import assert from "node:assert/strict";
import { test } from "node:test";
import { concatBytes, text, utf8 } from "../../std/bytes.ts";
import { AshlarError } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { type ByteSource, collect, sourceOf } from "../../std/source.ts";
import { fuzzRuns, simulationSeeds } from "../../testing/seeds.ts";
import { checkPostPolicy, MULTIPART_FORM_ERRORS, parsePostPolicy, readPostForm } from "./index.ts";

const RUNS = fuzzRuns(800);
const [SEED = 1] = simulationSeeds(1);
const BOUNDARY = "b-";
/** Text that is easily taken for a boundary. */
const NEARLY = ["\r", "\n", "\r\n", "-", "--", "b", "b-", "--b", "\r\n--b", "\r\n--", "x", "\u0000"];

function drawText(prng: Prng): string {
  const drawn = Array.from({ length: prng.below(10) }, () => prng.pick(NEARLY)).join("");
  return drawn.includes(`--${BOUNDARY}`) ? "" : drawn;
}

interface Drawn {
  readonly fields: ReadonlyMap<string, string>;
  readonly file: string;
  readonly body: Uint8Array;
}

function draw(prng: Prng): Drawn {
  const fields = new Map(Array.from({ length: prng.below(4) }, (_, at) => [`f${at}`, drawText(prng)]));
  const file = drawText(prng);
  const late = prng.chance(0.5) ? part("late", drawText(prng)) : "";
  const parts = [...fields].map(([name, value]) => part(name, value)).join("");
  return { fields, file, body: utf8(`${parts}${part("file", file)}${late}--${BOUNDARY}--\r\n`) };
}

function part(name: string, value: string): string {
  return `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
}

function cut(prng: Prng, body: Uint8Array): ByteSource {
  const piece = prng.pick([1, 4, 60, 100_000]);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < body.length; ) {
    const end = Math.min(body.length, at + 1 + prng.below(piece));
    pieces.push(body.subarray(at, end));
    at = end;
  }
  return sourceOf(...pieces);
}

/** The form as JSON, or the code of the error. */
async function read(source: ByteSource): Promise<string> {
  try {
    const form = await readPostForm(source, `multipart/form-data; boundary=${BOUNDARY}`);
    const file = await collect(form.file.body, 1_000_000);
    return JSON.stringify([[...form.fields], text(file!)]);
  } catch (error) {
    assert.ok(error instanceof AshlarError && error.code in MULTIPART_FORM_ERRORS, String(error));
    return error.code;
  }
}

async function seeded(run: (prng: Prng) => void | Promise<void>): Promise<void> {
  for (let seed = SEED; seed < SEED + RUNS; seed++) {
    try {
      await run(new Prng(seed));
    } catch (error) {
      throw new assert.AssertionError({ message: `with ASHLAR_SIM_SEED=${seed} ASHLAR_FUZZ_RUNS=1: ${String(error)}` });
    }
  }
}

test("a form is read as it was written, however it is cut", () =>
  seeded(async (prng) => {
    const { fields, file, body } = draw(prng);
    assert.equal(await read(cut(prng, body)), JSON.stringify([[...fields], file]));
  }));

test("a garbled form has the same typed error or the same content however it is cut", () =>
  seeded(async (prng) => {
    const { body } = draw(prng);
    const at = prng.below(body.length);
    const piece = prng.pick([
      prng.bytes(prng.below(4)),
      utf8(`\r\n--${BOUNDARY}`),
      utf8("\r\n\r\n"),
      body.subarray(0, at),
    ]);
    const garbled = concatBytes([body.subarray(0, at), piece, body.subarray(at + prng.below(4))]);
    assert.equal(await read(cut(prng, garbled)), await read(cut(prng, garbled)));
  }));

test("a policy of any content fails with a typed error or is checked", () =>
  seeded((prng) => {
    const values: unknown[] = [
      "",
      "a",
      "$key",
      "$",
      "eq",
      "starts-with",
      "content-length-range",
      1,
      -1,
      1e99,
      null,
      {},
      [],
      true,
    ];
    const condition = (): unknown => {
      const list = Array.from({ length: prng.below(5) }, () => prng.pick(values));
      return prng.chance(0.7) ? list : { [String(prng.pick(values))]: prng.pick(values) };
    };
    const expiration = prng.pick<unknown>(["2026-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "x", 1]);
    const json = JSON.stringify({ expiration, conditions: Array.from({ length: prng.below(3) }, condition) });
    const at = prng.below(json.length);
    const document = prng.chance(0.5)
      ? json
      : json.slice(0, at) + prng.pick(["\\", "\\$", '"', "}", ""]) + json.slice(at + 1);
    try {
      const policy = parsePostPolicy(utf8(document));
      checkPostPolicy(policy, { fields: new Map([["key", "a"]]), bucket: "b", now: Date.UTC(2026, 0, 1) });
    } catch (error) {
      assert.ok(error instanceof AshlarError && error.code in MULTIPART_FORM_ERRORS, String(error));
    }
  }));
