import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { describe, test } from "node:test";
import { hmacSha1, hmacSha256, sha256 } from "../../env/crypto.ts";
import { text } from "../../std/bytes.ts";
import {
  decodePolicy,
  escapeText,
  parseAuthorization,
  parseFormAuthorization,
  presign,
  type RequestHead,
  SigningKeys,
  type SigningOptions,
  signatureChain,
  signPostPolicy,
  signRequest,
  timingSafeEqual,
  verifyFormSignature,
  verifySignature,
} from "./index.ts";
import { timingSafeEqualHex } from "./timing-safe.ts";

const keys = new SigningKeys({ hash: sha256, hmac: hmacSha256 }, { entriesMax: 16 });
const now = Date.UTC(2026, 0, 1, 12);
const options: SigningOptions = {
  credentials: { accessKey: "AK", secretKey: "secret/é" },
  region: "eu-west-7",
  service: "s3",
  now,
};

const awkward = ["a b", "a+b", "~'()*!@:$&,;=", "é😀", "../x//y", "%20", "a/b/"];

function verify(request: RequestHead, at: number, service = "s3", bodySha256?: string): void {
  const parsed = parseAuthorization(request, { services: [service], legacyV2: false, payloadHashRequired: true });
  assert.ok(parsed.kind === "v4");
  const body = bodySha256 === undefined ? {} : { bodySha256 };
  verifySignature(keys, parsed, request, { secretKey: options.credentials.secretKey, now: at, ...body });
}

describe("a signed request", () => {
  test("holds for 15 minutes around its time, whatever is in its key and query", () => {
    for (const key of awkward) {
      const target = `/b/${escapeText(key, true)}?prefix=${escapeText(key)}&uploads&x-id=a`;
      const head = {
        method: "PUT",
        target,
        rawHeaders: ["Host", "h:1", "x-amz-meta-a", " x   y ", "X-Amz-Meta-A", "z"],
      };
      const { rawHeaders } = signRequest(keys, head, { ...options, payload: "UNSIGNED-PAYLOAD" });
      verify({ ...head, rawHeaders }, now + 900_000);
      verify({ ...head, rawHeaders }, now - 900_000);
      assert.throws(() => verify({ ...head, rawHeaders }, now + 901_000), { code: "REQUEST_TIME_TOO_SKEWED" });
      assert.throws(() => verify({ ...head, rawHeaders }, now - 901_000), { code: "REQUEST_TIME_TOO_SKEWED" });
    }
  });

  test("takes further headers that a proxy adds, and carries a session token", () => {
    const head = { method: "GET", target: "/b", rawHeaders: ["host", "h"] };
    const credentials = { ...options.credentials, sessionToken: "to/k+en=" };
    const { rawHeaders } = signRequest(keys, head, { ...options, credentials, payload: "UNSIGNED-PAYLOAD" });
    const request = { ...head, rawHeaders: [...rawHeaders, "via", "1.1 proxy", "accept-encoding", "gzip"] };
    verify(request, now);
    const parsed = parseAuthorization(request, { services: ["s3"], legacyV2: false, payloadHashRequired: true });
    assert.equal(parsed.kind === "v4" && parsed.sessionToken, "to/k+en=");
  });

  test("for another service has its path escaped twice, and covers a body whose hash only the body tells", () => {
    const head = { method: "POST", target: "/v1/locks/a%20b%2Fc", rawHeaders: ["host", "h"] };
    const bodySha256 = hash("sha256", "{}");
    const { rawHeaders } = signRequest(keys, head, { ...options, service: "ashlar", payload: bodySha256 });
    verify({ ...head, rawHeaders }, now, "ashlar");
    assert.throws(() => verify({ ...head, target: "/v1/locks/a%20b/c", rawHeaders }, now, "ashlar"), {
      code: "SIGNATURE_DOES_NOT_MATCH",
    });
  });

  test("hands over the chain that a server ends up with", () => {
    const head = { method: "PUT", target: "/b/k", rawHeaders: ["host", "h"] };
    const payload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
    const signed = signRequest(keys, head, { ...options, payload });
    const request = { ...head, rawHeaders: signed.rawHeaders };
    const parsed = parseAuthorization(request, { services: ["s3"], legacyV2: false, payloadHashRequired: true });
    assert.ok(parsed.kind === "v4");
    const chain = signatureChain(keys, parsed, options.credentials.secretKey);
    const chunk = sha256(new Uint8Array(10));
    assert.ok(chain.verifyChunk(signed.chain.signChunk(chunk), chunk));
    assert.ok(chain.verifyTrailer(signed.chain.signTrailer("a:b\n"), "a:b\n"));
    assert.ok(!chain.verifyTrailer(signed.chain.signTrailer("a:b\n"), "a:c\n"));
  });

  test("a mismatch shows what the server signed, and no secret", () => {
    const head = { method: "GET", target: "/b/~?x", rawHeaders: ["host", "h"] };
    const { rawHeaders } = signRequest(keys, head, { ...options, payload: "UNSIGNED-PAYLOAD" });
    const request = { ...head, target: "/b/%7Ex?x", rawHeaders };
    assert.throws(
      () => verify(request, now),
      ({ code, data }: { code: string; data: { canonicalRequest: string; stringToSign: string } }) => {
        assert.equal(code, "SIGNATURE_DOES_NOT_MATCH");
        assert.deepEqual(Object.keys(data), ["accessKey", "signatureProvided", "stringToSign", "canonicalRequest"]);
        assert.ok(data.canonicalRequest.startsWith("GET\n/b/~x\nx=\nhost:h\n"));
        assert.ok(
          data.stringToSign.startsWith("AWS4-HMAC-SHA256\n20260101T120000Z\n20260101/eu-west-7/s3/aws4_request\n"),
        );
        assert.ok(!JSON.stringify(data).includes("secret"));
        return true;
      },
    );
  });
});

describe("a presigned link", () => {
  test("holds until it expires, and not before its time", () => {
    for (const key of awkward) {
      const head = {
        method: "GET",
        target: `/b/${escapeText(key, true)}?response-content-type=a%20b`,
        rawHeaders: ["Host", "h"],
      };
      const target = presign(keys, head, { ...options, expiresSeconds: 60 });
      verify({ ...head, target }, now + 60_000);
      verify({ ...head, target }, now - 900_000);
      assert.throws(() => verify({ ...head, target }, now + 61_000), { code: "REQUEST_EXPIRED" });
      assert.throws(() => verify({ ...head, target }, now - 901_000), { code: "REQUEST_NOT_YET_VALID" });
      assert.throws(() => verify({ ...head, target, method: "PUT" }, now), { code: "SIGNATURE_DOES_NOT_MATCH" });
      const longer = target.replace("X-Amz-Expires=60", "X-Amz-Expires=61");
      assert.throws(() => verify({ ...head, target: longer }, now), { code: "SIGNATURE_DOES_NOT_MATCH" });
    }
  });

  test("binds the headers and the token that it was made with", () => {
    const credentials = { ...options.credentials, sessionToken: "to/k+en=" };
    const head = { method: "PUT", target: "/b/k", rawHeaders: ["Host", "h", "x-amz-acl", "private"] };
    const target = presign(keys, head, { ...options, credentials, expiresSeconds: 1 });
    verify({ ...head, target }, now);
    const rawHeaders = ["Host", "h", "x-amz-acl", "public-read"];
    assert.throws(() => verify({ ...head, target, rawHeaders }, now), { code: "SIGNATURE_DOES_NOT_MATCH" });
    assert.throws(() => verify({ ...head, target: target.replace("en%3D", "em%3D") }, now), {
      code: "SIGNATURE_DOES_NOT_MATCH",
    });
  });
});

describe("a signed POST policy", () => {
  const conditions = [{ bucket: "b" }, ["starts-with", "$key", "u/"]];
  const fields = signPostPolicy(keys, { ...options, expiresMillis: now + 60_000, conditions });
  const parse = (changed: Record<string, string | undefined>): ReturnType<typeof parseFormAuthorization> => {
    const entries = Object.entries({ ...fields, ...changed }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    return parseFormAuthorization(new Map(entries), { services: ["s3"], legacyV2: false });
  };

  test("holds as it was made, and no other policy does", () => {
    const parsed = parse({});
    assert.ok(parsed.kind === "v4");
    verifyFormSignature(keys, parsed, options.credentials.secretKey, hmacSha1);
    assert.throws(() => verifyFormSignature(keys, { ...parsed, policy: `${parsed.policy}A` }, "secret/é", hmacSha1), {
      code: "SIGNATURE_DOES_NOT_MATCH",
    });
    const document = JSON.parse(text(decodePolicy(parsed.policy)!));
    assert.equal(document.expiration, "2026-01-01T12:01:00.000Z");
    assert.deepEqual(document.conditions.at(-1), { "x-amz-date": "20260101T120000Z" });
  });

  test("a missing or malformed field is named", () => {
    for (const field of ["x-amz-credential", "x-amz-date", "x-amz-signature", "policy", "x-amz-algorithm"]) {
      assert.throws(() => parse({ [field]: undefined }), { code: "POST_FIELD_INVALID", data: { field } });
    }
    assert.throws(() => parse({ "x-amz-date": "20260102T120000Z" }), { code: "POST_FIELD_INVALID" });
    assert.throws(() => parse({ "x-amz-credential": "AK/20260101/r/ec2/aws4_request" }), {
      code: "POST_FIELD_INVALID",
    });
    assert.throws(() => parse({ "x-amz-algorithm": "AWS4-ECDSA-P256-SHA256" }), { code: "AUTHORIZATION_UNSUPPORTED" });
  });

  test("a form without any of it is anonymous, and V2 forms are let in where allowed", () => {
    const services = ["s3"];
    assert.equal(parseFormAuthorization(new Map([["key", "k"]]), { services, legacyV2: false }).kind, "anonymous");
    // Made by boto3 with signature_version "s3".
    const legacy = new Map([
      ["awsaccesskeyid", "AKIAIOSFODNN7EXAMPLE"],
      ["signature", "apoVKFVAPQmBTsgiooDab26ESYU="],
      [
        "policy",
        "eyJleHBpcmF0aW9uIjogIjIwMjYtMTEtMjJUMDE6MDA6MDFaIiwgImNvbmRpdGlvbnMiOiBbeyJhY2wiOiAicHJpdmF0ZSJ9LCBbImNvbnRlbn" +
          "QtbGVuZ3RoLXJhbmdlIiwgMCwgMTAwXSwgeyJidWNrZXQiOiAiYiJ9LCBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidS8iXV19",
      ],
    ]);
    assert.throws(() => parseFormAuthorization(legacy, { services, legacyV2: false }), {
      code: "AUTHORIZATION_UNSUPPORTED",
    });
    const parsed = parseFormAuthorization(legacy, { services, legacyV2: true });
    assert.ok(parsed.kind === "v2");
    verifyFormSignature(keys, parsed, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", hmacSha1);
    assert.throws(() => verifyFormSignature(keys, parsed, "x", hmacSha1), { code: "SIGNATURE_DOES_NOT_MATCH" });
  });

  test("the policy's base64 may be broken into lines or lack its padding", () => {
    assert.equal(text(decodePolicy("e3\r\n0=")!), "{}");
    assert.equal(text(decodePolicy("e30")!), "{}");
    assert.equal(decodePolicy("e3*="), undefined);
  });
});

describe("comparison in constant time", () => {
  test("is true for equal texts only", () => {
    assert.ok(timingSafeEqual("", ""));
    assert.ok(timingSafeEqual("abc", "abc"));
    assert.ok(!timingSafeEqual("abc", "abd"));
    assert.ok(!timingSafeEqual("abc", "bbc"));
    assert.ok(!timingSafeEqual("abc", "ab"));
  });

  test("bytes equal their hexadecimal text in lower case only", () => {
    for (let byte = 0; byte < 256; byte++) {
      const digits = byte.toString(16).padStart(2, "0");
      assert.ok(timingSafeEqualHex(Uint8Array.of(byte), digits));
      assert.ok(!timingSafeEqualHex(Uint8Array.of(byte ^ 1), digits));
      assert.ok(!timingSafeEqualHex(Uint8Array.of(byte ^ 128), digits));
    }
    assert.ok(!timingSafeEqualHex(Uint8Array.of(0xab), "AB"));
    assert.ok(!timingSafeEqualHex(Uint8Array.of(0xab), "abc"));
  });
});
