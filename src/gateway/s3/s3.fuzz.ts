import assert from "node:assert/strict";
import { test } from "node:test";
import { parseXml } from "../../codec/xml/index.ts";
import { concatBytes, utf8 } from "../../std/bytes.ts";
import { Prng } from "../../std/prng.ts";
import { type ByteSource, sourceOf } from "../../std/source.ts";
import { fuzzRuns, simulationSeeds } from "../../testing/seeds.ts";
import { S3_ERRORS } from "./error-table.ts";
import { OPERATIONS } from "./operations/index.ts";
import type { TestAnswer, TestRequest } from "./testing/exchange.ts";
import { type Call, HOST, openTestS3, presignedRequest, ROOT, signedRequest, type TestS3 } from "./testing/fixture.ts";

const RUNS = fuzzRuns(1_500);
const SEEDS = simulationSeeds(2);

const METHODS = ["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH", "get", "", "CONNECT"];
const SEGMENTS = [
  ...[
    "bucket",
    "other",
    "",
    ".",
    "..",
    "k",
    "a%20b",
    "%2F",
    "%00",
    "%ff",
    "%",
    "%zz",
    "+",
    "é",
    "\u00c3\u00a9",
    "%F0%9F%98%80",
  ],
  ...["a/b/c", "x".repeat(1100), "?", "#", "*", "Bucket_X", "192.168.1.1"],
];
const ARGUMENTS = [
  ...["prefix", "delimiter", "marker", "max-keys", "list-type", "continuation-token", "start-after", "encoding-type"],
  ...[
    "key-marker",
    "version-id-marker",
    "upload-id-marker",
    "max-uploads",
    "max-parts",
    "part-number-marker",
    "fetch-owner",
  ],
  ...[
    "versionId",
    "partNumber",
    "uploadId",
    "x-id",
    "response-content-type",
    "x-amz-acl",
    "x-amz-meta-q",
    "X-Amz-Date",
  ],
  ...["X-Amz-Signature", "AWSAccessKeyId", "max-buckets", "unknown", "", "x-amz-copy-source", "x-amz-checksum-crc32"],
];
const VALUES = [
  ...[
    "",
    "0",
    "1",
    "2",
    "-1",
    "1000",
    "99999999999999999999",
    "url",
    "true",
    "null",
    "/",
    "a",
    "%00",
    "%ff",
    "é",
    "1YQ",
  ],
  ...["bytes=0-1", "bytes=5-", "bytes=-3", "bytes=9-1", "*", '"abc"', "CRC32", "SHA256", "COPY", "REPLACE", "private"],
  ...[
    "AAAAAA==",
    "bad",
    "bucket/k",
    "/bucket/k?versionId=null",
    "application/xml",
    "gzip,aws-chunked",
    "a=1&b=2",
    "a=1&a=2",
  ],
  ...[
    "Sat, 21 Nov 2026 12:00:00 GMT",
    "not a date",
    "https://app.test",
    "STANDARD",
    "GLACIER",
    "ENABLED",
    "FULL_OBJECT",
  ],
  ...["x-amz-checksum-crc32", "x".repeat(3000), "\u00e9", "a\tb", "100-continue", "chunked", "ETag,ObjectParts"],
];
const HEADERS = [
  ...["range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "content-md5", "content-type"],
  ...["content-encoding", "content-length", "transfer-encoding", "expect", "origin", "access-control-request-method"],
  ...["access-control-request-headers", "x-amz-acl", "x-amz-copy-source", "x-amz-copy-source-range", "x-amz-tagging"],
  ...["x-amz-metadata-directive", "x-amz-tagging-directive", "x-amz-storage-class", "x-amz-checksum-crc32"],
  ...["x-amz-checksum-algorithm", "x-amz-checksum-type", "x-amz-sdk-checksum-algorithm", "x-amz-checksum-mode"],
  ...[
    "x-amz-trailer",
    "x-amz-decoded-content-length",
    "x-amz-content-sha256",
    "x-amz-object-attributes",
    "x-amz-max-parts",
  ],
  ...["x-amz-part-number-marker", "x-amz-if-match-size", "x-amz-mp-object-size", "x-amz-expected-bucket-owner"],
  ...[
    "x-amz-meta-a",
    "x-amz-meta-",
    "x-amz-server-side-encryption",
    "x-amz-object-lock-mode",
    "authorization",
    "x-amz-date",
  ],
];
const PAYLOADS = [
  ...["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"],
  ...["STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "0".repeat(64), "nonsense"],
];
const DOCUMENTS = [
  "<Delete><Object><Key>k</Key></Object><Quiet>true</Quiet></Delete>",
  "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>abc</ETag></Part></CompleteMultipartUpload>",
  "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
  "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>",
  "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>",
  "<AccessControlPolicy><Owner><ID>root</ID></Owner><AccessControlList></AccessControlList></AccessControlPolicy>",
  "<CreateBucketConfiguration><LocationConstraint>eu</LocationConstraint></CreateBucketConfiguration>",
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::bucket","arn:aws:s3:::bucket/*"]}]}',
  "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
  "5;chunk-signature=0000\r\nhello\r\n0;chunk-signature=0000\r\n\r\n",
  '--B\r\nContent-Disposition: form-data; name="key"\r\n\r\nform\r\n--B\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nhello\r\n--B--\r\n',
  '<!DOCTYPE a [<!ENTITY b "cccc">]><Delete>&b;</Delete>',
  `${"<a>".repeat(500)}${"</a>".repeat(500)}`,
  "hello",
  "",
];

const SELECTORS = [...new Set(OPERATIONS.flatMap(({ query = [] }) => query))];

function pathOf(prng: Prng): string {
  if (prng.chance(0.05)) return prng.pick(["*", "", "bucket", "//", "http://h/bucket/k", "/".repeat(50)]);
  const depth = prng.below(4);
  return `/${["bucket", prng.pick(SEGMENTS), prng.pick(SEGMENTS)].slice(prng.chance(0.9) ? 0 : 1, depth).join("/")}`;
}

function queryOf(prng: Prng): string {
  const parts: string[] = [];
  if (prng.chance(0.6)) parts.push(prng.pick(SELECTORS));
  while (prng.chance(0.4)) {
    const name = prng.pick(prng.chance(0.3) ? SELECTORS : ARGUMENTS);
    parts.push(prng.chance(0.8) ? `${name}=${encodeURI(prng.pick(VALUES))}` : name);
  }
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

function headersOf(prng: Prng): Record<string, string> {
  const headers: Record<string, string> = {};
  while (prng.chance(0.55)) headers[prng.pick(HEADERS)] = prng.pick(VALUES);
  if (prng.chance(0.15)) headers["x-amz-content-sha256"] = prng.pick(PAYLOADS);
  if (prng.chance(0.1)) headers["content-type"] = "multipart/form-data; boundary=B";
  return headers;
}

function bodyOf(prng: Prng): Uint8Array {
  const bytes = utf8(prng.pick(DOCUMENTS)).slice();
  while (bytes.length > 0 && prng.chance(0.4)) bytes[prng.below(bytes.length)] = prng.below(256);
  const cut = prng.chance(0.2) ? bytes.subarray(0, prng.below(bytes.length + 1)) : bytes;
  return prng.chance(0.1) ? concatBytes([cut, cut]) : cut;
}

/** The body in random pieces, of which the last may break. */
function sourceFor(prng: Prng, body: Uint8Array): ByteSource {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < body.length; ) {
    const length = 1 + prng.below(body.length);
    pieces.push(body.subarray(at, at + length));
    at += length;
  }
  return sourceOf(...pieces);
}

function requestOf(prng: Prng): TestRequest {
  const body = bodyOf(prng);
  const call: Call = {
    method: prng.pick(METHODS),
    target: pathOf(prng) + queryOf(prng),
    headers: headersOf(prng),
    body,
  };
  const source = sourceFor(prng, body);
  const way = prng.unit();
  if (way < 0.6) return { ...signedRequest(call, ROOT), body: source };
  if (way < 0.75) return { ...presignedRequest(call, ROOT), body: source };
  const rawHeaders = Object.entries({ host: prng.pick([HOST, "", "b.s3.test", "::"]), ...call.headers }).flat();
  if (prng.chance(0.5)) rawHeaders.push("Content-Length", String(body.length));
  return { method: call.method, target: call.target, rawHeaders, body: source };
}

function check(answer: TestAnswer, request: TestRequest): void {
  const { status, headers, body } = answer;
  assert(status >= 200 && status < 600 && status !== 500, `status ${status}: ${answer.text}`);
  assert(headers.has("x-amz-request-id") && headers.has("x-amz-id-2") && headers.has("date"));
  for (const [name, value] of headers) assert(!/(?!\t)\p{Cc}/u.test(name + value), `header ${name}`);
  if (status < 400 || request.method === "HEAD") return;
  const root = parseXml(body, { bytesMax: body.length });
  assert.equal(root.name, "Error");
  const code = root.required("Code").text();
  assert(Object.hasOwn(S3_ERRORS, code), code);
  assert.equal(S3_ERRORS[code as keyof typeof S3_ERRORS].status, status);
}

async function prepare(s3: TestS3): Promise<void> {
  await s3.objects.createBucket("bucket", "root").catch(() => {});
  const metadata = { user: new Map() };
  const body = { source: sourceOf(utf8("hello")), length: 5, expected: {} };
  await s3.objects.put({ bucket: "bucket", key: "k", body, metadata });
}

for (const seed of SEEDS) {
  test(`no request makes the gateway fail or fall silent (seed ${seed})`, async () => {
    await using s3 = await openTestS3({ domains: ["s3.test"], formMemoryBytesMax: 8 * 1024 * 1024, allowV2: true });
    const prng = new Prng(seed);
    for (let run = 0; run < RUNS; run++) {
      if (run % 50 === 0) await prepare(s3);
      const request = requestOf(prng.fork());
      const note = `seed ${seed} run ${run}: ${request.method} ${request.target} ${JSON.stringify(request.rawHeaders)}`;
      let answer: TestAnswer;
      try {
        answer = await s3.send(request);
        check(answer, request);
      } catch (cause) {
        throw new Error(note.slice(0, 4000), { cause });
      }
      assert.deepEqual(s3.unexpected, [], note);
    }
    // All memory of forms has been given back: one more finds room.
    const form = DOCUMENTS.find((document) => document.startsWith("--B"))!;
    const headers = { "content-type": "multipart/form-data; boundary=B" };
    const last = await s3.anonymous({ method: "POST", target: "/bucket", body: form, headers });
    assert.notEqual(last.status, 503);
  });
}
