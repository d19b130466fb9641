import assert from "node:assert/strict";
import { test } from "node:test";
import { type CorsRule, decodeCors, encodeCors, matchCors, matchesWildcard, pushCors } from "./cors-rules.ts";

function rule(fields: Partial<CorsRule>): CorsRule {
  return { allowedOrigins: ["*"], allowedMethods: ["GET"], allowedHeaders: [], exposeHeaders: [], ...fields };
}

test("one star stands for any run of characters, none for itself", () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["*", "", true],
    ["*", "http://x", true],
    ["*suffix", "foo.suffix", true],
    ["*suffix", "foo.suffix.get", false],
    ["start*end", "startend", true],
    ["start*end", "start12end", true],
    ["start*end", "0start12end", false],
    ["start*end", "starend", false],
    ["aba*aba", "aba", false],
    ["prefix*", "prefix", true],
    ["prefix*", "bla.prefix", false],
    ["http://a", "http://a", true],
    ["http://a", "http://A", false],
  ];
  for (const [pattern, value, expected] of cases) {
    assert.equal(matchesWildcard(pattern, value), expected, `${pattern} ${value}`);
  }
});

test("the first rule that allows origin, method and all headers decides", () => {
  const rules = [
    rule({ allowedOrigins: ["http://a"], allowedMethods: ["GET"] }),
    rule({ allowedOrigins: ["http://*"], allowedMethods: ["PUT"], allowedHeaders: ["x-amz-*", "Content-Type"] }),
  ];
  const matched = (origin: string, method: string, ...headers: string[]) => {
    const match = matchCors(rules, { origin, method, headers });
    return match === undefined ? undefined : rules.indexOf(match.rule);
  };
  assert.equal(matched("http://a", "GET"), 0);
  assert.equal(matched("http://a", "PUT", "X-Amz-Date", "content-type"), 1);
  assert.equal(matched("http://a", "PUT", "authorization"), undefined);
  assert.equal(matched("https://a", "GET"), undefined);
  assert.equal(matched("http://b", "GET"), undefined);
});

test("everyone is told a star, a named origin its own name and that it may send credentials", () => {
  const headersFor = (allowedOrigins: readonly string[]): string[] => {
    const headers: string[] = [];
    const match = matchCors([rule({ allowedOrigins, maxAgeSeconds: 5, exposeHeaders: ["ETag"] })], {
      origin: "http://a",
      method: "GET",
      headers: [],
    });
    pushCors(headers, match!, ["x-a"]);
    return headers;
  };
  const vary = ["Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"];
  const common = [
    ...["Access-Control-Allow-Methods", "GET", "Access-Control-Allow-Headers", "x-a"],
    ...["Access-Control-Expose-Headers", "ETag", "Access-Control-Max-Age", "5"],
  ];
  assert.deepEqual(headersFor(["*"]), ["Access-Control-Allow-Origin", "*", ...common, ...vary]);
  assert.deepEqual(headersFor(["http://*"]), [
    ...["Access-Control-Allow-Origin", "http://a", ...common],
    ...["Access-Control-Allow-Credentials", "true", ...vary],
  ]);
});

test("rules come back from a bucket as they were put", () => {
  const rules = [rule({ id: "one", maxAgeSeconds: 60, allowedHeaders: ["*"] }), rule({})];
  assert.deepEqual(decodeCors(encodeCors(rules)), rules);
});
