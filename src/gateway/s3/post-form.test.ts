import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { SigningKeys, signPostPolicy } from "../../codec/sigv4/index.ts";
import { hmacSha256, sha256 } from "../../env/crypto.ts";
import { utf8 } from "../../std/bytes.ts";
import { deterministicBytes } from "../../testing/deterministic-bytes.ts";
import type { S3Options } from "./options.ts";
import type { TestAnswer } from "./testing/exchange.ts";
import { codeOf, HOST, openTestS3, ROOT, type TestS3, xmlOf } from "./testing/fixture.ts";
import { NOW } from "./testing/memory-env.ts";

type Fields = Readonly<Record<string, string>>;

const BOUNDARY = "----form-boundary";
const keys = new SigningKeys({ hash: sha256, hmac: hmacSha256 }, { entriesMax: 8 });

interface File {
  readonly name?: string;
  readonly content: string | Uint8Array;
}

function formBody(fields: Fields, file: File | undefined, behind: Fields = {}): Uint8Array {
  const parts: Uint8Array[] = [];
  const add = (name: string, value: string | Uint8Array, more = ""): void => {
    parts.push(utf8(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n`));
    parts.push(typeof value === "string" ? utf8(value) : value, utf8("\r\n"));
  };
  for (const [name, value] of Object.entries(fields)) add(name, value);
  if (file !== undefined) add("file", file.content, file.name === undefined ? "" : `; filename="${file.name}"`);
  for (const [name, value] of Object.entries(behind)) add(name, value);
  parts.push(utf8(`--${BOUNDARY}--\r\n`));
  return Buffer.concat(parts);
}

/** The fields with a policy that allows just them in that bucket, signed. */
function signedFields(
  fields: Fields,
  more: readonly unknown[] = [],
  expiresMillis = NOW + 60_000,
  bucket = "bucket",
): Fields {
  const conditions: unknown[] = [{ bucket }, ...more];
  for (const [name, value] of Object.entries(fields)) {
    if (name === "key") conditions.push(["starts-with", "$key", ""]);
    else conditions.push(["eq", `$${name}`, value]);
  }
  const options = { credentials: ROOT, region: "us-east-1", service: "s3", now: NOW, expiresMillis, conditions };
  return { ...fields, ...signPostPolicy(keys, options) };
}

describe("browser uploads", () => {
  let s3: TestS3;
  before(async () => {
    s3 = await openTestS3();
    await s3.objects.createBucket("bucket", "root");
  });
  after(async () => {
    await s3[Symbol.asyncDispose]();
  });

  const post = (body: Uint8Array, contentType = `multipart/form-data; boundary=${BOUNDARY}`): Promise<TestAnswer> =>
    s3.anonymous({ method: "POST", target: "/bucket", body, headers: { "content-type": contentType } });
  const upload = (fields: Fields, content: string | Uint8Array = "hello", name?: string) =>
    post(formBody(fields, { content, ...(name !== undefined && { name }) }));
  const get = (key: string) => s3.signed({ method: "GET", target: `/bucket/${key}` });

  test("a signed form stores its file with what its fields say", async () => {
    const fields = signedFields({
      key: "form/${filename}",
      acl: "private",
      "Content-Type": "text/plain",
      "x-amz-meta-color": "blau-ä",
      "x-amz-storage-class": "STANDARD_IA",
      tagging: "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>",
    });
    const answer = await upload(fields, "hello", "C:\\photos\\a b.txt");
    assert.equal(answer.status, 204, answer.text);
    assert.equal(answer.headers.get("etag"), '"5d41402abc4b2a76b9719d911017c592"');
    assert.equal(answer.headers.get("location"), `http://${HOST}/bucket/form/a%20b.txt`);
    const read = await get("form/a%20b.txt");
    assert.equal(read.text, "hello");
    assert.equal(read.headers.get("content-type"), "text/plain");
    assert.equal(read.headers.get("x-amz-meta-color"), Buffer.from("blau-ä").toString("latin1"));
    assert.equal(read.headers.get("x-amz-storage-class"), "STANDARD_IA");
    assert.equal(read.headers.get("x-amz-tagging-count"), "1");
  });

  test("the answer is the one that the form asks for", async () => {
    const created = await upload(signedFields({ key: "k", success_action_status: "201" }));
    assert.equal(created.status, 201);
    const response = xmlOf(created);
    assert.equal(response.name, "PostResponse");
    assert.equal(response.required("Key").text(), "k");
    assert.equal(response.required("Bucket").text(), "bucket");
    assert.equal(response.required("Location").text(), `http://${HOST}/bucket/k`);
    assert.equal((await upload(signedFields({ key: "k", success_action_status: "200" }))).status, 200);
    assert.equal((await upload(signedFields({ key: "k", success_action_status: "404" }))).status, 204);
    const there = await upload(signedFields({ key: "a b", success_action_redirect: "https://app.test/done?x=1" }));
    assert.equal(there.status, 303);
    const expected = "https://app.test/done?x=1&bucket=bucket&key=a%20b&etag=%225d41402abc4b2a76b9719d911017c592%22";
    assert.equal(there.headers.get("location"), expected);
    const script = await upload(signedFields({ key: "k", success_action_redirect: "javascript:alert(1)" }));
    assert.equal(script.status, 204, "what is no URL of the web is ignored");
  });

  test("a form must keep to its policy", async () => {
    const good = signedFields({ key: "kept", "Content-Type": "text/plain" }, [["content-length-range", 1, 10]]);
    assert.equal((await upload(good)).status, 204);
    const { policy } = good;
    const refused: readonly (readonly [Fields, string | Uint8Array, number, string])[] = [
      [{ ...good, "Content-Type": "text/html" }, "hello", 403, "AccessDenied"],
      [{ ...good, "x-amz-meta-extra": "1" }, "hello", 403, "AccessDenied"],
      [good, "", 400, "EntityTooSmall"],
      [good, "hello world", 400, "EntityTooLarge"],
      [{ ...good, "x-amz-signature": "0".repeat(64) }, "hello", 403, "SignatureDoesNotMatch"],
      [{ ...good, policy: `${policy}AAAA` }, "hello", 403, "SignatureDoesNotMatch"],
      [signedFields({ key: "k" }, [], NOW - 1), "hello", 403, "AccessDenied"],
      [signedFields({ key: "k" }, [], NOW + 1000, "other"), "hello", 403, "AccessDenied"],
      [signedFields({ key: "k" }, [["in", "$key", "k"]]), "hello", 400, "InvalidPolicyDocument"],
    ];
    for (const [fields, content, status, code] of refused) {
      const answer = await upload(fields, content);
      assert.equal(answer.status, status, `${code}: ${answer.text}`);
      assert.equal(codeOf(answer), code, answer.text);
    }
    assert.equal((await upload({ ...good, "x-ignore-me": "1" })).status, 204);
  });

  test("a policy has to name the bucket", async () => {
    const conditions = [["starts-with", "$key", ""]];
    const options = {
      credentials: ROOT,
      region: "us-east-1",
      service: "s3",
      now: NOW,
      expiresMillis: NOW + 1000,
      conditions,
    };
    const answer = await upload({ key: "k", ...signPostPolicy(keys, options) });
    assert.equal(answer.status, 403);
  });

  test("an unsigned form does what the bucket's policy lets everyone do", async () => {
    assert.equal(codeOf(await upload({ key: "anonymous" })), "AccessDenied");
    const statement = {
      Effect: "Allow",
      Principal: "*",
      Action: "s3:PutObject",
      Resource: "arn:aws:s3:::bucket/open/*",
    };
    const body = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
    await s3.signed({ method: "PUT", target: "/bucket?policy", body });
    assert.equal((await upload({ key: "open/k" })).status, 204);
    assert.equal(codeOf(await upload({ key: "closed/k" })), "AccessDenied");
    assert.equal((await get("open/k")).text, "hello");
  });

  test("a form that is none is told what is wrong with it", async () => {
    const fields = signedFields({ key: "k" });
    const cases: readonly (readonly [Promise<TestAnswer>, string])[] = [
      [post(formBody(fields, { content: "x" }), "application/x-www-form-urlencoded"), "PreconditionFailed"],
      [post(formBody(fields, undefined)), "IncorrectNumberOfFilesInPostRequest"],
      [post(formBody(fields, { content: "x" }).subarray(0, -20)), "MalformedPOSTRequest"],
      [post(utf8("no form at all")), "MalformedPOSTRequest"],
      [post(new Uint8Array(0)), "MalformedPOSTRequest"],
      [upload(signedFields({})), "InvalidArgument"],
      [upload({ ...fields, "x-amz-meta-a": "x".repeat(30_000) }), "MaxPostPreDataLengthExceededError"],
      [upload(signedFields({ key: "k", acl: "public-read" })), "AccessControlListNotSupported"],
      [upload(signedFields({ key: "k", "x-amz-server-side-encryption": "AES256" })), "NotImplemented"],
      [upload(signedFields({ key: "k", tagging: "<Tagging>" })), "MalformedXML"],
      [upload(signedFields({ key: "k".repeat(1025) })), "KeyTooLongError"],
      [upload({ ...fields, "x-amz-credential": "garbage" }), "InvalidArgument"],
    ];
    for (const [pending, code] of cases) {
      const answer = await pending;
      assert.equal(codeOf(answer), code, answer.text);
    }
  });

  test("what follows the file has no meaning", async () => {
    const body = formBody(signedFields({ key: "followed" }), { content: "hello" }, { submit: "Upload", key: "other" });
    assert.equal((await post(body)).status, 204);
    assert.equal((await get("followed")).text, "hello");
  });

  test("a file beyond 8 MiB is stored in parts, whatever its length turns out to be", async () => {
    for (const length of [8 * 1024 * 1024, 16 * 1024 * 1024 + 1]) {
      const content = deterministicBytes(length, length);
      const answer = await upload(signedFields({ key: "large" }), content);
      assert.equal(answer.status, 204, answer.text);
      const read = await get("large");
      assert(Buffer.from(content).equals(read.body), `${length} bytes`);
      assert.equal(read.headers.get("etag")?.includes("-"), length > 8 * 1024 * 1024);
    }
    const range = [["content-length-range", 0, 9 * 1024 * 1024]];
    const refused = await upload(signedFields({ key: "refused" }, range), new Uint8Array(10 * 1024 * 1024));
    assert.equal(codeOf(refused), "EntityTooLarge");
    const uploads = await s3.objects.listUploads({
      bucket: "bucket",
      prefix: "",
      delimiter: "",
      keyMarker: "",
      uploadIdMarker: undefined,
      limit: 10,
    });
    assert.deepEqual(uploads.items, [], "nothing is left behind");
  });

  test("a checksum in a field is checked", async () => {
    const sum = (value: string) => upload(signedFields({ key: "sum", "x-amz-checksum-crc32": value }));
    assert.equal((await sum("NhCmhg==")).status, 204);
    assert.equal(codeOf(await sum("AAAAAA==")), "BadDigest");
    const large = signedFields({ key: "sum", "x-amz-checksum-crc32": "AAAAAA==" });
    assert.equal(codeOf(await upload(large, new Uint8Array(9 * 1024 * 1024))), "BadDigest");
  });

  test("memory for files of unknown length has a limit", async () => {
    const formMemoryBytesMax: S3Options["formMemoryBytesMax"] = 8 * 1024 * 1024;
    await using small = await openTestS3({ formMemoryBytesMax });
    await small.objects.createBucket("bucket", "root");
    const body = formBody(signedFields({ key: "k" }), { content: "x" });
    const headers = { "content-type": `multipart/form-data; boundary=${BOUNDARY}` };
    const call = { method: "POST", target: "/bucket", body, headers };
    const answers = await Promise.all([small.anonymous(call), small.anonymous(call), small.anonymous(call)]);
    const statuses = answers.map(({ status }) => status).toSorted();
    assert.equal(statuses[0], 204);
    assert.equal(statuses.at(-1), 503);
    assert.equal((await small.anonymous(call)).status, 204, "what was held is given back");
  });

  test("forms of Signature Version 2 need its option", async () => {
    const document = {
      expiration: "2026-11-21T13:00:00Z",
      conditions: [{ bucket: "bucket" }, ["starts-with", "$key", ""]],
    };
    const policy = Buffer.from(JSON.stringify(document)).toString("base64");
    const signature = createHmac("sha1", ROOT.secretKey).update(policy).digest("base64");
    const fields = { key: "k", AWSAccessKeyId: ROOT.accessKey, policy, signature };
    const headers = { "content-type": `multipart/form-data; boundary=${BOUNDARY}` };
    const sendTo = (to: TestS3, form: Fields) =>
      to.anonymous({ method: "POST", target: "/bucket", body: formBody(form, { content: "x" }), headers });
    await using strict = await openTestS3({ allowV2: false });
    await strict.objects.createBucket("bucket", "root");
    assert.equal(codeOf(await sendTo(strict, fields)), "InvalidRequest");
    await using legacy = await openTestS3({ allowV2: true });
    await legacy.objects.createBucket("bucket", "root");
    const send = (form: Fields) => sendTo(legacy, form);
    assert.equal((await send(fields)).status, 204);
    assert.equal(codeOf(await send({ ...fields, signature: "AAAA" })), "SignatureDoesNotMatch");
    const { signature: _, ...unsigned } = fields;
    assert.equal((await send(unsigned)).status, 400);
  });

  test("nothing of all this was a surprise to the server", () => {
    assert.deepEqual(s3.unexpected, []);
  });
});
