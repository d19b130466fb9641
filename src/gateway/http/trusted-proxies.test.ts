import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestHeaders } from "./request-headers.ts";
import { type ClientOrigin, TrustedProxies } from "./trusted-proxies.ts";

function originOf(trusted: readonly string[], remote: string, headers: Readonly<Record<string, string>>): ClientOrigin {
  const proxies = TrustedProxies.parse(trusted);
  assert(proxies instanceof TrustedProxies);
  return proxies.originOf(remote, false, new RequestHeaders(Object.entries({ Host: "inner", ...headers }).flat()));
}

const FORWARDED = {
  "X-Forwarded-For": "198.51.100.9",
  "X-Forwarded-Proto": "https",
  "X-Forwarded-Host": "s3.example.com",
};
const INNER = { address: "10.0.0.1", secure: false, host: "inner" };

test("without trusted proxies forwarded headers count for nothing", () => {
  assert.deepEqual(originOf([], "10.0.0.1", FORWARDED), INNER);
});

test("forwarded headers of a stranger count for nothing", () => {
  assert.deepEqual(originOf(["10.0.0.2"], "10.0.0.1", FORWARDED), INNER);
});

test("a trusted proxy says what its client sent", () => {
  const expected = { address: "198.51.100.9", secure: true, host: "s3.example.com" };
  assert.deepEqual(originOf(["10.0.0.0/8"], "10.0.0.1", FORWARDED), expected);
});

test("what the client wrote in front of the proxy's own words is not believed", () => {
  const headers = {
    "X-Forwarded-For": "127.0.0.1, 198.51.100.9",
    "X-Forwarded-Proto": "https, http",
    "X-Forwarded-Host": "evil.example, s3.example.com",
  };
  const expected = { address: "198.51.100.9", secure: false, host: "s3.example.com" };
  assert.deepEqual(originOf(["10.0.0.0/8"], "10.0.0.1", headers), expected);
});

test("a chain of trusted proxies is followed to the outermost", () => {
  const headers = {
    "X-Forwarded-For": "1.1.1.1, 198.51.100.9, 10.0.0.7",
    "X-Forwarded-Proto": "http, https, http",
    "X-Forwarded-Host": "evil.example, s3.example.com, middle",
  };
  const expected = { address: "198.51.100.9", secure: true, host: "s3.example.com" };
  assert.deepEqual(originOf(["10.0.0.0/8"], "10.0.0.1", headers), expected);
});

test("a single value set by the outermost proxy holds through the chain", () => {
  const headers = { "X-Forwarded-For": "198.51.100.9, 10.0.0.7", "X-Forwarded-Proto": "https" };
  const expected = { address: "198.51.100.9", secure: true, host: "inner" };
  assert.deepEqual(originOf(["10.0.0.0/8"], "10.0.0.1", headers), expected);
});

test("a trusted proxy that says nothing is the client", () => {
  assert.deepEqual(originOf(["10.0.0.0/8"], "10.0.0.1", {}), INNER);
});

test("an entry that is no address ends the chain", () => {
  const headers = { "X-Forwarded-For": "198.51.100.9, unknown" };
  assert.equal(originOf(["10.0.0.0/8"], "10.0.0.1", headers).address, "unknown");
});

test("a setting that is neither an address nor a network is named", () => {
  assert.deepEqual(TrustedProxies.parse(["10.0.0.0/8", "localhost"]), { invalid: "localhost" });
});

test("addresses in brackets are read as without, those of a proxy and those of a client", () => {
  const headers = { "X-Forwarded-For": "[2001:db8::9], [fd00::7]" };
  const { address } = originOf(["[fd00::]/8"], "fd00::1", headers);
  assert.equal(address, "2001:db8::9");
});

test("all of IPv6 is trusted without trusting IPv4, and an IPv4 proxy however the socket reports it", () => {
  assert.equal(originOf(["::/0"], "10.0.0.1", FORWARDED).address, "10.0.0.1");
  assert.equal(originOf(["10.0.0.0/8"], "::ffff:10.0.0.1", FORWARDED).address, "198.51.100.9");
});
