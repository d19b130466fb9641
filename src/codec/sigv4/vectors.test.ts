// The examples that Amazon publishes in the "Authenticating Requests (AWS Signature Version 4)" part of the S3 API
// reference. Each test names its page. The secret key is the one of all of them.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hmacSha1, hmacSha256, sha256 } from "../../env/crypto.ts";
import { utf8 } from "../../std/bytes.ts";
import {
  parseAuthorization,
  parseFormAuthorization,
  presign,
  type RequestHead,
  SigningKeys,
  signatureChain,
  type V4Authorization,
  verifyFormSignature,
  verifySignature,
} from "./index.ts";

const keys = new SigningKeys({ hash: sha256, hmac: hmacSha256 }, { entriesMax: 16 });
const secretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const now = Date.UTC(2013, 4, 24);
const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

function authorize(signedHeaders: string, signature: string): string[] {
  const credential = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request";
  const fields = `Credential=${credential},SignedHeaders=${signedHeaders},Signature=${signature}`;
  return ["Authorization", `AWS4-HMAC-SHA256 ${fields}`];
}

function v4(request: RequestHead): V4Authorization {
  const parsed = parseAuthorization(request, { services: ["s3"], legacyV2: false, payloadHashRequired: true });
  assert.ok(parsed.kind === "v4");
  return parsed;
}

function verify(request: RequestHead): void {
  verifySignature(keys, v4(request), request, { secretKey, now });
}

describe("Authorization header: transferring payload in a single chunk", () => {
  const host = ["Host", "examplebucket.s3.amazonaws.com"];
  const date = ["x-amz-date", "20130524T000000Z"];

  test("GET Object with a range", () => {
    const signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
    verify({
      method: "GET",
      target: "/test.txt",
      rawHeaders: [
        ...host,
        ...authorize("host;range;x-amz-content-sha256;x-amz-date", signature),
        ...["Range", "bytes=0-9", "x-amz-content-sha256", EMPTY],
        ...date,
      ],
    });
  });

  test("PUT Object whose key holds a character to escape", () => {
    const signature = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd";
    const bodySha256 = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
    const rawHeaders = [
      ...host,
      ...["Date", "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class", "REDUCED_REDUNDANCY"],
      ...["x-amz-content-sha256", bodySha256],
      ...date,
      ...authorize("date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class", signature),
    ];
    verify({ method: "PUT", target: "/test$file.text", rawHeaders });
    verify({ method: "PUT", target: "/test%24file.text", rawHeaders });
    assert.equal(Buffer.from(sha256(utf8("Welcome to Amazon S3."))).toString("hex"), bodySha256);
  });

  test("GET Bucket Lifecycle", () => {
    const signature = "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543";
    const signed = authorize("host;x-amz-content-sha256;x-amz-date", signature);
    const rawHeaders = [...host, ...signed, ...date, "x-amz-content-sha256", EMPTY];
    verify({ method: "GET", target: "/?lifecycle", rawHeaders });
    verify({ method: "GET", target: "/?lifecycle=", rawHeaders });
  });

  test("GET Bucket (List Objects), in either order of the parameters", () => {
    const signature = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7";
    const signed = authorize("host;x-amz-content-sha256;x-amz-date", signature);
    const rawHeaders = [...host, ...signed, ...date, "x-amz-content-sha256", EMPTY];
    verify({ method: "GET", target: "/?max-keys=2&prefix=J", rawHeaders });
    verify({ method: "GET", target: "/?prefix=J&max-keys=2", rawHeaders });
  });
});

describe("Authorization header: transferring payload in multiple chunks", () => {
  test("the seed signature and the chain over 64 KiB, 1 KiB and nothing", () => {
    const request: RequestHead = {
      method: "PUT",
      target: "/examplebucket/chunkObject.txt",
      rawHeaders: [
        ...["Host", "s3.amazonaws.com", "x-amz-date", "20130524T000000Z", "x-amz-storage-class", "REDUCED_REDUNDANCY"],
        ...authorize(
          "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class",
          "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
        ),
        ...["x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "Content-Encoding", "aws-chunked"],
        ...["x-amz-decoded-content-length", "66560", "Content-Length", "66824"],
      ],
    };
    verify(request);
    const chain = signatureChain(keys, v4(request), secretKey);
    const chunk = (length: number): Uint8Array => sha256(new Uint8Array(length).fill(0x61));
    assert.equal(chain.signChunk(chunk(65536)), "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648");
    assert.equal(chain.signChunk(chunk(1024)), "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497");
    assert.equal(chain.signChunk(chunk(0)), "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9");
  });

  test("the chain with a trailing header", () => {
    const request: RequestHead = {
      method: "PUT",
      target: "/examplebucket/chunkObject.txt",
      rawHeaders: [
        ...["Host", "s3.amazonaws.com", "x-amz-date", "20130524T000000Z", "x-amz-storage-class", "REDUCED_REDUNDANCY"],
        ...authorize(
          "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer",
          "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
        ),
        ...["x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "Content-Encoding", "aws-chunked"],
        ...["x-amz-decoded-content-length", "66560", "x-amz-trailer", "x-amz-checksum-crc32c"],
      ],
    };
    verify(request);
    const chain = signatureChain(keys, v4(request), secretKey);
    const chunk = (length: number): Uint8Array => sha256(new Uint8Array(length).fill(0x61));
    assert.equal(chain.signChunk(chunk(65536)), "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2");
    assert.equal(chain.signChunk(chunk(1024)), "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7");
    assert.equal(chain.signChunk(chunk(0)), "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992");
    const trailer = chain.signTrailer("x-amz-checksum-crc32c:sOO8/Q==\n");
    assert.equal(trailer, "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435");
  });
});

describe("Query parameters", () => {
  const credential = "AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request";
  const unsigned = `/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${credential}&X-Amz-Date=20130524T000000Z`;
  const signature = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
  const target = `${unsigned}&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=${signature}`;
  const rawHeaders = ["Host", "examplebucket.s3.amazonaws.com"];

  test("GET Object by a presigned link", () => {
    verify({ method: "GET", target, rawHeaders });
  });

  test("the presigner makes the same link", () => {
    const made = presign(
      keys,
      { method: "GET", target: "/test.txt", rawHeaders },
      {
        credentials: { accessKey: "AKIAIOSFODNN7EXAMPLE", secretKey },
        region: "us-east-1",
        service: "s3",
        now,
        expiresSeconds: 86_400,
      },
    );
    assert.equal(made, target);
  });
});

describe("Browser-based uploads using POST", () => {
  const lines = [
    `{ "expiration": "2015-12-30T12:00:00.000Z",`,
    `  "conditions": [`,
    `    {"bucket": "sigv4examplebucket"},`,
    `    ["starts-with", "$key", "user/user1/"],`,
    `    {"acl": "public-read"},`,
    `    {"success_action_redirect": "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"},`,
    `    ["starts-with", "$Content-Type", "image/"],`,
    `    {"x-amz-meta-uuid": "14365123651274"},`,
    `    {"x-amz-server-side-encryption": "AES256"},`,
    `    ["starts-with", "$x-amz-meta-tag", ""],`,
    ``,
    `    {"x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"},`,
    `    {"x-amz-algorithm": "AWS4-HMAC-SHA256"},`,
    `    {"x-amz-date": "20151229T000000Z" }`,
    `  ]`,
    `}`,
  ];
  const fields = new Map([
    ["x-amz-algorithm", "AWS4-HMAC-SHA256"],
    ["x-amz-credential", "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"],
    ["x-amz-date", "20151229T000000Z"],
    ["policy", Buffer.from(lines.join("\r\n")).toString("base64")],
    ["x-amz-signature", "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e"],
  ]);

  test("the example's policy has the example's signature", () => {
    const parsed = parseFormAuthorization(fields, { services: ["s3"], legacyV2: false });
    assert.ok(parsed.kind === "v4");
    assert.equal(parsed.accessKey, "AKIAIOSFODNN7EXAMPLE");
    verifyFormSignature(keys, parsed, secretKey, hmacSha1);
  });
});
