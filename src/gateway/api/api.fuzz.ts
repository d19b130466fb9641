import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../std/prng.ts";
import { fuzzRuns, simulationSeeds } from "../../testing/seeds.ts";
import { expand } from "./expand.ts";
import { parametersOf } from "./input.ts";
import type { OperationEntry } from "./operation.ts";
import { OPERATION_ENTRIES } from "./operations/index.ts";
import type { Schema } from "./schema.ts";
import { type Call, filesOf, openWorld, type World } from "./testing/world.ts";

// Requests that almost fit: every operation with values of its schemas, some of them wrong, and paths, queries, headers and bodies that
// nobody would send. Whatever comes, the answer is one of the API's, no bug is met, and the server goes on.

const RUNS = fuzzRuns(600);

const TEXTS = [
  "",
  "a",
  "photos",
  "alice",
  "readonly",
  "KEY",
  "..",
  "a/b",
  "%",
  "é日",
  "\u0000",
  "x".repeat(300),
  "null",
  "*",
  "-1",
  "\ud800",
];
const RAW = ["%ff", "%", "%2", "%zz", "+", "%00", "%2e%2e", "//", ";", "a=b", "%F0%9F%98%80"];
const PLACES = [
  "/",
  "/v1",
  "/v2/x",
  "/app",
  "/app/..",
  "/app/x.js",
  "/metrics",
  "/healthz",
  "/openapi.json",
  "*",
  "http://x/v1/status",
  "/v1/",
];
const METHODS = ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", "BREW"];
const HEADERS: [string, string][] = [
  ["Range", "bytes=0-"],
  ["Range", "bytes=99999999999999999999-"],
  ["If-Match", '"x", *'],
  ["If-None-Match", "*"],
  ["If-Modified-Since", "yesterday"],
  ["Content-Digest", "sha-256=:x:"],
  ["Content-Type", "text/html"],
  ["Cookie", "ashlar-session=%%; =; x"],
  ["Origin", "null"],
  ["Last-Event-ID", "zz"],
  ["Expect", "100-continue"],
  ["x-amz-meta-\u00e9", "\u00ff"],
];

for (const seed of simulationSeeds(2)) {
  test(`the API answers whatever comes (seed ${seed})`, async () => {
    const prng = new Prng(seed);
    await using world = await openWorld({ console: filesOf({ "index.html": "<title>Ashlar</title>" }) });
    await world.call("PUT", "/v1/buckets/photos", { json: {} });
    await world.call("PUT", "/v1/users/alice", { json: {} });
    for (let run = 0; run < RUNS; run++) {
      const request = prng.chance(0.8) ? nearlyRight(prng) : anything(prng);
      const shown = JSON.stringify(request).slice(0, 400);
      const answer = await send(world, request).catch((error: unknown) => assert.fail(`${shown}: ${error}`));
      if (answer === undefined) continue;
      assert.ok(
        answer.status < 500 || EXPECTED.includes(answer.code ?? ""),
        `${answer.status} ${answer.text}: ${shown}`,
      );
      assert.deepEqual(world.unexpected, [], shown);
    }
    assert.equal((await world.call("GET", "/v1/status")).status, 200);
  });
}

/** Failures of 500 and above that a request can rightly meet here. */
const EXPECTED = ["SPACE_RESERVED", "DISK_FULL", "WATCHERS_EXHAUSTED"];

const STREAMS = ["/v1/watch", "/v1/kv/watch", "/v1/volumes"];

interface Request {
  readonly method: string;
  readonly target: string;
  readonly call: Call;
}

async function send(world: World, { method, target, call }: Request) {
  const leave = new AbortController();
  const answered = world.call(method, target, { ...call, signal: leave.signal });
  if (!STREAMS.some((path) => target.startsWith(path))) return answered;
  // Streams do not end by themselves, and a volume is read at a pace that this clock does not keep.
  const turns = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 5));
  const first = await Promise.race([answered, turns]);
  leave.abort();
  await answered.catch(() => undefined);
  return first;
}

function nearlyRight(prng: Prng): Request {
  const entry: OperationEntry = OPERATION_ENTRIES[prng.below(OPERATION_ENTRIES.length)]!;
  const path = entry.path.replace(/\{\w+\}/g, () =>
    prng.chance(0.1) ? pick(prng, RAW) : escaped(pick(prng, TEXTS)) || "photos",
  );
  const { properties } = parametersOf(entry.query);
  const parameters = Object.entries(properties)
    .filter(() => prng.chance(0.7))
    .map(([name, schema]) => {
      if (expand(schema).type === "octets" && prng.chance(0.3)) return `${name}=${pick(prng, RAW)}`;
      return `${name}=${escaped(String(madeOf(prng, schema)))}`;
    });
  if (prng.chance(0.1)) parameters.push(`${pick(prng, ["prefx", "", "a", "limit"])}=${pick(prng, RAW)}`);
  const target = parameters.length === 0 ? path : `${path}?${parameters.join("&")}`;
  const { body } = entry;
  const json = body === undefined || body === "stream" ? {} : { json: madeOf(prng, body) };
  const bytes = body === "stream" ? { body: "x".repeat(prng.below(9000)) } : {};
  return { method: entry.method, target, call: { ...json, ...bytes, ...headersOf(prng) } };
}

function anything(prng: Prng): Request {
  const target = prng.chance(0.5)
    ? pick(prng, PLACES)
    : `/v1/${pick(prng, RAW)}/${escaped(pick(prng, TEXTS))}?${pick(prng, RAW)}`;
  const call: Call = prng.chance(0.5) ? { by: "nobody" } : {};
  const body = prng.chance(0.3)
    ? { body: pick(prng, ["{", "[]", "null", '{"a":1}', "\u0000", "x".repeat(70_000)]) }
    : {};
  return { method: pick(prng, METHODS), target, call: { ...call, ...body, ...headersOf(prng) } };
}

function headersOf(prng: Prng): { headers?: Record<string, string> } {
  return prng.chance(0.3) ? { headers: Object.fromEntries([pick(prng, HEADERS), pick(prng, HEADERS)]) } : {};
}

/** Mostly of the schema, sometimes of none. */
function madeOf(prng: Prng, schema: Schema): unknown {
  if (prng.chance(0.08)) return pick<unknown>(prng, [null, -1, 1e308, "", [], {}, true, "x".repeat(30_000)]);
  const full = expand(schema);
  switch (full.type) {
    case "object": {
      const entries = Object.entries(full.properties).filter(
        ([name]) => full.optional?.includes(name) !== true || prng.chance(0.5),
      );
      return Object.fromEntries(entries.map(([name, each]) => [name, madeOf(prng, each)]));
    }
    case "list":
      return Array.from({ length: prng.below(4) }, () => madeOf(prng, full.items));
    case "map":
      return Object.fromEntries([[pick(prng, TEXTS), madeOf(prng, full.values)]]);
    case "flag":
      return prng.chance(0.5);
    case "octets":
      return pick<unknown>(prng, [...TEXTS, { base64: "/wA=" }, { base64: "x" }, { base64: 1 }, { base64: "", a: 1 }]);
    case "instant":
      return pick(prng, ["2027-01-01T00:00:00Z", "2020-01-01T00:00:00Z", "soon"]);
    case "text":
    case "url":
    case "any":
      return full.enum === undefined ? pick(prng, [...TEXTS, POLICY]) : pick(prng, full.enum);
    default:
      return pick(prng, [0, 1, 7, 1000, 604_800]);
  }
}

const POLICY = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "*" }],
});

function pick<Item>(prng: Prng, items: readonly Item[]): Item {
  return items[prng.below(items.length)]!;
}

function escaped(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
