import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { hmacSha1, hmacSha256, sha256 } from "../../env/crypto.ts";
import { AshlarError } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { fuzzRuns, simulationSeeds } from "../../testing/seeds.ts";
import {
  parseAuthorization,
  parseFormAuthorization,
  parseQuery,
  presign,
  type RequestHead,
  SIGV4_ERRORS,
  SigningKeys,
  signRequest,
  splitTarget,
  verifySignature,
  verifyV2Signature,
} from "./index.ts";

const RUNS = fuzzRuns(1_200);
const [SEED = 1] = simulationSeeds(1);
const captures: readonly RequestHead[] = JSON.parse(
  readFileSync(new URL("./testdata/captures.json", import.meta.url), "utf8"),
);
const keys = new SigningKeys({ hash: sha256, hmac: hmacSha256 }, { entriesMax: 8 });
const secretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const PIECES = [
  "%",
  "%2",
  "%2F",
  "+",
  "&",
  "=",
  "?",
  "/",
  ";",
  ",",
  " ",
  "  ",
  "\t",
  "\u0000",
  "\u00ff",
  "€",
  "X-Amz-Signature=",
  "a",
];

/** Changes, removes or repeats characters at random places. */
function garble(prng: Prng, text: string): string {
  let out = text;
  for (let changes = 1 + prng.below(3); changes > 0; changes--) {
    const at = prng.below(out.length + 1);
    const piece = prng.chance(0.3) ? out.slice(at, at + prng.below(20)) : prng.pick(PIECES);
    out = out.slice(0, at) + piece + out.slice(at + prng.below(3));
  }
  return out;
}

function garbled(prng: Prng, request: RequestHead): RequestHead {
  const rawHeaders = request.rawHeaders.map((text) => (prng.chance(0.05) ? garble(prng, text) : text));
  const repeated = prng.chance(0.1) ? [...rawHeaders, ...rawHeaders.slice(0, 2)] : rawHeaders;
  return {
    method: prng.chance(0.05) ? garble(prng, request.method) : request.method,
    target: prng.chance(0.5) ? garble(prng, request.target) : request.target,
    rawHeaders: repeated,
  };
}

/** What became of it: an error's code, or the kind of authorization that held. */
function outcome(request: RequestHead): string {
  try {
    const parsed = parseAuthorization(request, { services: ["s3"], legacyV2: true, payloadHashRequired: false });
    if (parsed.kind === "v4") verifySignature(keys, parsed, request, { secretKey, now: parsed.signedAtMillis });
    if (parsed.kind === "v2") verifyV2Signature(hmacSha1, parsed, request, { secretKey, now: parsed.timeMillis });
    return parsed.kind;
  } catch (error) {
    assert.ok(error instanceof AshlarError && error.code in SIGV4_ERRORS, String(error));
    return error.code;
  }
}

/** What a gateway would act on: the method, the path's bytes, the parameters in any order. */
function meaning({ method, target }: RequestHead): unknown {
  const { path, query } = splitTarget(target);
  const bytes = path.replace(/%([0-9A-Fa-f]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  const parameters = parseQuery(query).filter(({ name }) => name !== "X-Amz-Signature");
  return [method, bytes, parameters.map(({ name, value }) => JSON.stringify([name, value])).sort()];
}

function seeded(run: (prng: Prng) => void): void {
  for (let seed = SEED; seed < SEED + RUNS; seed++) {
    try {
      run(new Prng(seed));
    } catch (error) {
      throw new assert.AssertionError({ message: `with ASHLAR_SIM_SEED=${seed} ASHLAR_FUZZ_RUNS=1: ${String(error)}` });
    }
  }
}

test("a garbled request fails with a typed error, or means what the signed one does", () => {
  const outcomes = new Map<string, number>();
  seeded((prng) => {
    const request = prng.pick(captures);
    const changed = garbled(prng, request);
    const result = outcome(changed);
    if (result === "v4") assert.deepEqual(meaning(changed), meaning(request));
    outcomes.set(result, (outcomes.get(result) ?? 0) + 1);
  });
  if (RUNS >= 1_000)
    assert.ok((outcomes.get("SIGNATURE_DOES_NOT_MATCH") ?? 0) > RUNS / 10, "most changes break a signature");
});

test("a signed request with any target holds, and with another byte in its target does not", () => {
  const now = Date.UTC(2026, 0, 1);
  const options = { credentials: { accessKey: "AK", secretKey }, region: "r", service: "s3", now };
  const alphabet = ["a", "b", "%", "%41", "%2f", "+", "&", "=", "/", "..", "~", "'", "é", "?", "😀", " "];
  seeded((prng) => {
    const target = `/${Array.from({ length: prng.below(20) }, () => prng.pick(alphabet)).join("")}`;
    const head = { method: "GET", target, rawHeaders: ["host", "h", "x-amz-meta-a", garble(prng, "a  b")] };
    const byHeader = { ...head, ...signRequest(keys, head, { ...options, payload: "UNSIGNED-PAYLOAD" }) };
    const byQuery = { ...head, target: presign(keys, head, { ...options, expiresSeconds: 60 }) };
    assert.equal(outcome(byHeader), "v4", target);
    assert.equal(outcome(byQuery), "v4", target);
    assert.equal(outcome({ ...byHeader, target: `${target}x` }), "SIGNATURE_DOES_NOT_MATCH", target);
    const moved = byQuery.target.replace("/", "/x");
    assert.equal(outcome({ ...byQuery, target: moved }), "SIGNATURE_DOES_NOT_MATCH", target);
  });
});

test("form fields of any content fail with a typed error, or are anonymous", () => {
  const names = [
    "policy",
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-signature",
    "awsaccesskeyid",
    "signature",
  ];
  const values = ["", "x", "AWS4-HMAC-SHA256", "AK/20260101/r/s3/aws4_request", "20260101T000000Z", "€", "e30="];
  seeded((prng) => {
    const fields = new Map(names.filter(() => prng.chance(0.8)).map((name) => [name, prng.pick(values)]));
    try {
      parseFormAuthorization(fields, { services: ["s3"], legacyV2: prng.chance(0.5) });
    } catch (error) {
      assert.ok(error instanceof AshlarError && error.code in SIGV4_ERRORS, String(error));
    }
  });
});
