import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hmacSha1 } from "../../env/crypto.ts";
import { parseAuthorization, type RequestHead, verifyV2Signature } from "./index.ts";

const secretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

function verify(request: RequestHead, now: number, hostBucket?: string): void {
  const parsed = parseAuthorization(request, { services: ["s3"], legacyV2: true, payloadHashRequired: true });
  assert.ok(parsed.kind === "v2");
  assert.equal(parsed.accessKey, "AKIAIOSFODNN7EXAMPLE");
  const bucket = hostBucket === undefined ? {} : { hostBucket };
  verifyV2Signature(hmacSha1, parsed, request, { secretKey, now, ...bucket });
}

/** The examples of "Signing and authenticating REST requests (AWS signature version 2)" in the S3 user guide. */
describe("Signature Version 2, the published examples", () => {
  const march = (hour: number, minute: number, second: number): number => Date.UTC(2007, 2, 27, hour, minute, second);
  const head = (method: string, target: string, date: string, signature: string, more: string[] = []): RequestHead => {
    const authorization = ["Authorization", `AWS AKIAIOSFODNN7EXAMPLE:${signature}`];
    const rawHeaders = ["Host", "johnsmith.s3.amazonaws.com", "Date", `Tue, 27 Mar 2007 ${date} +0000`];
    return { method, target, rawHeaders: [...rawHeaders, ...authorization, ...more] };
  };

  test("Object GET", () => {
    const request = head("GET", "/photos/puppy.jpg", "19:36:42", "bWq2s1WEIj+Ydj0vQ697zp+IXMU=");
    verify(request, march(19, 36, 42), "johnsmith");
  });

  test("Object PUT", () => {
    const type = ["Content-Type", "image/jpeg", "Content-Length", "94328"];
    const request = head("PUT", "/photos/puppy.jpg", "21:15:45", "MyyxeRY7whkBe+bq8fHCL/2kKUg=", type);
    verify(request, march(21, 15, 45), "johnsmith");
  });

  test("List, whose parameters are not signed", () => {
    const target = "/?prefix=photos&max-keys=50&marker=puppy";
    verify(head("GET", target, "19:42:41", "htDYFYduRNen8P9ZfE/s9SuKy0U="), march(19, 42, 41), "johnsmith");
  });

  test("Fetch of a subresource", () => {
    verify(head("GET", "/?acl", "19:44:46", "c2WLPFtWHVgbEmeEG93a4cG37dM="), march(19, 44, 46), "johnsmith");
  });

  test("Unicode keys, in the path style", () => {
    const target = "/dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re";
    const rawHeaders = ["Host", "s3.amazonaws.com", "Date", "Wed, 28 Mar 2007 01:49:49 +0000"];
    const authorization = ["Authorization", "AWS AKIAIOSFODNN7EXAMPLE:DNEZGsoieTZ92F3bUfSPQcbGmlM="];
    verify({ method: "GET", target, rawHeaders: [...rawHeaders, ...authorization] }, Date.UTC(2007, 2, 28, 1, 49, 49));
  });

  test("a presigned link", () => {
    const parameters =
      "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620";
    const request = { method: "GET", target: `/photos/puppy.jpg?${parameters}`, rawHeaders: [] };
    verify(request, 1_175_139_620_000, "johnsmith");
    assert.throws(() => verify(request, 1_175_139_621_000, "johnsmith"), { code: "REQUEST_EXPIRED" });
  });
});

describe("Signature Version 2", () => {
  const rawHeaders = [
    ...["Host", "localhost", "Date", "Tue, 27 Mar 2007 19:36:42 +0000"],
    ...["Authorization", "AWS AKIAIOSFODNN7EXAMPLE:bWq2s1WEIj+Ydj0vQ697zp+IXMU="],
  ];
  const request = { method: "GET", target: "/johnsmith/photos/puppy.jpg", rawHeaders };
  const at = Date.UTC(2007, 2, 27, 19, 36, 42);

  test("the clock may be 15 minutes off, in either direction", () => {
    verify(request, at - 900_000);
    verify(request, at + 900_000);
    assert.throws(() => verify(request, at - 900_001), { code: "REQUEST_TIME_TOO_SKEWED" });
    assert.throws(() => verify(request, at + 900_001), { code: "REQUEST_TIME_TOO_SKEWED" });
  });

  test("is refused by name where the caller does not let it in", () => {
    const options = { services: ["s3"], legacyV2: false, payloadHashRequired: true };
    const refused = { code: "AUTHORIZATION_UNSUPPORTED", data: { algorithm: "AWS" } };
    assert.throws(() => parseAuthorization(request, options), refused);
    const link = { ...request, target: "/b/k?AWSAccessKeyId=a&Signature=b&Expires=1", rawHeaders: [] };
    assert.throws(() => parseAuthorization(link, options), refused);
  });

  test("an incomplete header or link is malformed", () => {
    const header = (value: string): RequestHead => ({ ...request, rawHeaders: ["Authorization", value] });
    for (const value of ["AWS ", "AWS a", "AWS a:", "AWS :b", "AWS :"]) {
      assert.throws(() => verify(header(value), at), { code: "AUTHORIZATION_HEADER_MALFORMED" }, value);
    }
    assert.throws(() => verify(header("AWS a:b"), at), { code: "DATE_MISSING" });
    for (const query of [
      "AWSAccessKeyId=a",
      "AWSAccessKeyId=a&Signature=b&Expires=x",
      "AWSAccessKeyId=&Signature=b&Expires=1",
    ]) {
      const link = { ...request, target: `/b/k?${query}`, rawHeaders: [] };
      assert.throws(() => verify(link, at), { code: "AUTHORIZATION_QUERY_MALFORMED" }, query);
    }
  });

  test("signed chunks have no V4 signature to start from", () => {
    const streaming = [...rawHeaders, "x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"];
    assert.throws(() => verify({ ...request, rawHeaders: streaming }, at), { code: "CONTENT_SHA256_INVALID" });
  });
});
