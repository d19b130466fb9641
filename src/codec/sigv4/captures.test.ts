// Requests that real clients sent to a stub server, byte for byte, with keys chosen to be awkward:
// spaces, "+", "~", quotes, "..", "//", escapes inside keys, UTF-8. Only headers that nobody signs were left out.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { hmacSha1, hmacSha256, sha256 } from "../../env/crypto.ts";
import {
  type Authorization,
  parseAuthorization,
  type RequestHead,
  SigningKeys,
  verifySignature,
  verifyV2Signature,
} from "./index.ts";

interface Capture extends RequestHead {
  readonly client: string;
  readonly bodySha256?: string;
}

const captures: readonly Capture[] = JSON.parse(
  readFileSync(new URL("./testdata/captures.json", import.meta.url), "utf8"),
);
const keys = new SigningKeys({ hash: sha256, hmac: hmacSha256 }, { entriesMax: 16 });
const secretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

function parse(request: RequestHead): Authorization {
  return parseAuthorization(request, { services: ["s3", "ashlar"], legacyV2: true, payloadHashRequired: false });
}

function verify(request: RequestHead, capture: Capture, secret: string): void {
  const parsed = parse(request);
  assert.ok(parsed.kind !== "anonymous");
  assert.equal(parsed.accessKey, "AKIAIOSFODNN7EXAMPLE");
  if (parsed.kind === "v2") {
    const now = parsed.form === "query" ? parsed.timeMillis - 1000 : parsed.timeMillis;
    verifyV2Signature(hmacSha1, parsed, request, { secretKey: secret, now });
  } else {
    const body = capture.bodySha256 === undefined ? {} : { bodySha256: capture.bodySha256 };
    verifySignature(keys, parsed, request, { secretKey: secret, now: parsed.signedAtMillis + 1000, ...body });
  }
}

describe("requests of real clients", () => {
  for (const capture of captures) {
    const anonymous = /anonymous|no-sign/.test(capture.client);
    const title = `${capture.client}: ${capture.method} ${capture.target.split("?")[0]!}`;
    if (anonymous) {
      test(`${title} is anonymous`, () => assert.equal(parse(capture).kind, "anonymous"));
      continue;
    }
    test(`${title} holds, and nothing changed, nor another secret, does`, () => {
      verify(capture, capture, secretKey);
      const mismatch = { code: "SIGNATURE_DOES_NOT_MATCH" };
      assert.throws(() => verify(capture, capture, `${secretKey}x`), mismatch);
      assert.throws(() => verify({ ...capture, method: "PATCH" }, capture, secretKey), mismatch);
      const [path, query] = capture.target.split("?");
      const elsewhere = query === undefined ? `${path}x` : `${path}x?${query}`;
      assert.throws(() => verify({ ...capture, target: elsewhere }, capture, secretKey), mismatch);
    });
  }

  test("another host, a changed x-amz header or a further parameter breaks a V4 signature", () => {
    for (const capture of captures) {
      if (parse(capture).kind !== "v4") continue;
      const mismatch = { code: "SIGNATURE_DOES_NOT_MATCH" };
      const join = capture.target.includes("?") ? "&" : "?";
      const further = { ...capture, target: `${capture.target}${join}versionId=1` };
      assert.throws(() => verify(further, capture, secretKey), mismatch, capture.client);
      for (let at = 0; at < capture.rawHeaders.length; at += 2) {
        const name = capture.rawHeaders[at]!.toLowerCase();
        const covered = name === "host" || name.startsWith("x-amz-meta-") || name === "x-amz-copy-source";
        if (!covered) continue;
        const rawHeaders = capture.rawHeaders.with(at + 1, `${capture.rawHeaders[at + 1]!}1`);
        assert.throws(() => verify({ ...capture, rawHeaders }, capture, secretKey), mismatch, capture.client);
      }
    }
  });

  test("an x-amz header that the signature does not cover is refused", () => {
    for (const capture of captures) {
      if (parse(capture).kind !== "v4") continue;
      const request = { ...capture, rawHeaders: [...capture.rawHeaders, "X-Amz-Acl", "public-read"] };
      if (capture.rawHeaders.some((name) => name.toLowerCase() === "x-amz-acl")) continue;
      assert.throws(() => parse(request), { code: "HEADERS_NOT_SIGNED", data: { headers: ["x-amz-acl"] } });
    }
  });
});
