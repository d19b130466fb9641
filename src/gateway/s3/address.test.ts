import assert from "node:assert/strict";
import { test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import { addressOf, hostName } from "./address.ts";

const DOMAINS = ["s3.eu.example.com", "example.com"];

function at(target: string, host?: string, domains: readonly string[] = []): string {
  const { level, bucket, key, virtualHost } = addressOf(target, host, domains);
  return `${level} ${bucket} ${JSON.stringify(key)}${virtualHost ? " virtual" : ""}`;
}

test("the first segment of a path is the bucket, the rest is the key", () => {
  assert.equal(at("/"), 'service  ""');
  assert.equal(at("/?x-id=ListBuckets"), 'service  ""');
  assert.equal(at("/b"), 'bucket b ""');
  assert.equal(at("/b/"), 'bucket b ""');
  assert.equal(at("/b?list-type=2"), 'bucket b ""');
  assert.equal(at("/b/k"), 'object b "k"');
  assert.equal(at("http://host:9000/b/k?x=1"), 'object b "k"');
});

test("no key is special", () => {
  const keys: readonly (readonly [string, string])[] = [
    ["/b//", "/"],
    ["/b//x", "/x"],
    ["/b/..//x", "..//x"],
    ["/b/../c", "../c"],
    ["/b/./", "./"],
    ["/b/a/b/", "a/b/"],
    ["/b/a%2Fb", "a/b"],
    ["/b/a%252Fb", "a%2Fb"],
    ["/b/a+b%2B", "a+b+"],
    ["/b/%C3%A9%F0%9F%98%80", "é😀"],
    ["/b/\u00c3\u00a9", "é"],
    ["/b/%00%0a", "\u0000\n"],
    ["/b/a%3Fb", "a?b"],
  ];
  for (const [target, key] of keys) assert.equal(addressOf(target, undefined, []).key, key, target);
});

test("a key that is no UTF-8 is InvalidURI", () => {
  for (const target of ["/b/%ff", "/b/%c3", "/b/%ed%a0%80", "/b/%2", "/%ff/k", "/b/\u00e9"]) {
    assert.throws(
      () => addressOf(target, undefined, []),
      (error) => hasCode(error, "InvalidURI"),
      target,
    );
  }
});

test("a target that is no path is InvalidURI, and an empty bucket InvalidBucketName", () => {
  assert.throws(
    () => addressOf("*", undefined, []),
    (error) => hasCode(error, "InvalidURI"),
  );
  assert.throws(
    () => addressOf("b/k", undefined, []),
    (error) => hasCode(error, "InvalidURI"),
  );
  assert.throws(
    () => addressOf("//k", undefined, []),
    (error) => hasCode(error, "InvalidBucketName"),
  );
});

test("under one of the domains the host names the bucket", () => {
  assert.equal(at("/k/l", "b.example.com", DOMAINS), 'object b "k/l" virtual');
  assert.equal(at("/", "b.example.com:9000", DOMAINS), 'bucket b "" virtual');
  assert.equal(at("/k", "B.Example.COM", DOMAINS), 'object b "k" virtual');
  assert.equal(at("/k", "my.bucket.s3.eu.example.com", DOMAINS), 'object my.bucket "k" virtual');
  assert.equal(at("//x", "b.example.com", DOMAINS), 'object b "/x" virtual');
});

test("the domain itself and any other host are path-style", () => {
  assert.equal(at("/b/k", "example.com", DOMAINS), 'object b "k"');
  assert.equal(at("/b/k", "s3.eu.example.com:443", DOMAINS), 'object b "k"');
  assert.equal(at("/b/k", "127.0.0.1:9000", DOMAINS), 'object b "k"');
  assert.equal(at("/b/k", "notexample.com", DOMAINS), 'object b "k"');
  assert.equal(at("/b/k", ".example.com", DOMAINS), 'object b "k"');
  assert.equal(at("/b/k", undefined, DOMAINS), 'object b "k"');
});

test("a host's name is what stands before its port", () => {
  assert.equal(hostName("A.b:80"), "a.b");
  assert.equal(hostName("[::1]:80"), "[::1]");
  assert.equal(hostName("[::1]"), "[::1]");
  assert.equal(hostName("a"), "a");
});
