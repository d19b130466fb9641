import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { type Credentials, codeOf, openTestS3, ROOT, signedRequest, type TestS3, xmlOf } from "./testing/fixture.ts";

type Statement = Readonly<Record<string, unknown>>;

const policy = (...statements: readonly Statement[]) => ({ Version: "2012-10-17", Statement: statements });
const allow = (Action: string | readonly string[], Resource: string | readonly string[], more: Statement = {}) => ({
  Effect: "Allow",
  Action,
  Resource,
  ...more,
});
const BUCKET = "arn:aws:s3:::bucket";
const OBJECTS = "arn:aws:s3:::bucket/*";

describe("access", () => {
  let s3: TestS3;
  let nobody: Credentials;
  before(async () => {
    s3 = await openTestS3();
    await s3.objects.createBucket("bucket", "root");
    await s3.signed({ method: "PUT", target: "/bucket/k", body: "x", headers: { "x-amz-tagging": "level=public" } });
    nobody = await s3.addUser("nobody", policy(allow("s3:ListAllMyBuckets", "*")));
  });
  after(async () => {
    await s3[Symbol.asyncDispose]();
  });

  const setPolicy = (document: object | string) =>
    s3.signed({
      method: "PUT",
      target: "/bucket?policy",
      body: typeof document === "string" ? document : JSON.stringify(document),
    });
  const get = (target: string, by?: Credentials) =>
    by === undefined ? s3.anonymous({ method: "GET", target }) : s3.signed({ method: "GET", target }, by);

  test("nobody gets anything without a policy that grants it", async () => {
    for (const by of [undefined, nobody]) {
      for (const target of ["/bucket/k", "/bucket", "/bucket?policy", "/bucket/missing", "/bucket?versions"]) {
        const answer = await get(target, by);
        assert.equal(answer.status, 403, target);
        assert.equal(codeOf(answer), "AccessDenied");
      }
    }
    assert.equal((await get("/")).status, 403);
    assert.equal((await get("/", nobody)).status, 200);
  });

  test("whether a bucket exists is no secret, whether a key exists is one", async () => {
    assert.equal(codeOf(await get("/missing/k")), "NoSuchBucket");
    const reader = await s3.addUser("reader", policy(allow("s3:GetObject", OBJECTS)));
    assert.equal((await get("/bucket/k", reader)).status, 200);
    assert.equal(codeOf(await get("/bucket/missing", reader)), "AccessDenied");
    const lister = await s3.addUser("lister", policy(allow(["s3:GetObject", "s3:ListBucket"], [BUCKET, OBJECTS])));
    assert.equal(codeOf(await get("/bucket/missing", lister)), "NoSuchKey");
    const head = await s3.signed({ method: "HEAD", target: "/bucket/missing" }, reader);
    assert.equal(head.status, 403);
  });

  test("a bucket's policy lets in whom it names, and everyone if it says so", async () => {
    const readers = { Sid: "read", ...allow("s3:GetObject", OBJECTS, { Principal: "*" }) };
    assert.equal((await setPolicy(policy(readers))).status, 204);
    assert.equal((await get("/bucket/k")).text, "x");
    assert.equal((await get("/bucket")).status, 403);
    assert.equal((await s3.anonymous({ method: "PUT", target: "/bucket/k", body: "y" })).status, 403);
    const status = xmlOf(await s3.signed({ method: "GET", target: "/bucket?policyStatus" }));
    assert.equal(status.required("IsPublic").text(), "true");
    const read = await s3.signed({ method: "GET", target: "/bucket?policy" });
    assert.equal(read.headers.get("content-type"), "application/json");
    assert.deepEqual(JSON.parse(read.text), policy(readers));
  });

  test("a Deny in a bucket's policy is stronger than a user's own Allow", async () => {
    const writer = await s3.addUser("writer", policy(allow("s3:*", "*")));
    await setPolicy(policy({ Effect: "Deny", Principal: "*", Action: "s3:PutObject", Resource: OBJECTS }));
    const put = (by: Credentials) => s3.signed({ method: "PUT", target: "/bucket/denied", body: "x" }, by);
    assert.equal((await put(writer)).status, 403);
    assert.equal((await put(ROOT)).status, 200, "the root key can not lock itself out");
    const begun = await s3.signed({ method: "POST", target: "/bucket/denied?uploads" }, writer);
    assert.equal(begun.status, 403);
  });

  test("conditions see the request", async () => {
    const cases: readonly (readonly [Statement, string, Readonly<Record<string, string>>, number])[] = [
      [{ StringEquals: { "s3:prefix": "a/" } }, "/bucket?prefix=a%2F", {}, 200],
      [{ StringEquals: { "s3:prefix": "a/" } }, "/bucket?prefix=b%2F", {}, 403],
      [{ IpAddress: { "aws:SourceIp": "192.0.2.0/24" } }, "/bucket", {}, 200],
      [{ IpAddress: { "aws:SourceIp": "10.0.0.0/8" } }, "/bucket", {}, 403],
      [{ Bool: { "aws:SecureTransport": "true" } }, "/bucket", {}, 403],
      [{ StringLike: { "aws:Referer": "https://a/*" } }, "/bucket", { referer: "https://a/x" }, 200],
      [{ StringLike: { "aws:UserAgent": "curl*" } }, "/bucket", { "user-agent": "curl/8" }, 200],
      [{ NumericLessThanEquals: { "s3:max-keys": "10" } }, "/bucket?max-keys=11", {}, 403],
    ];
    for (const [Condition, target, headers, status] of cases) {
      await setPolicy(policy(allow("s3:ListBucket", BUCKET, { Principal: "*", Condition })));
      const answer = await s3.anonymous({ method: "GET", target, headers });
      assert.equal(answer.status, status, `${JSON.stringify(Condition)} ${target}`);
    }
  });

  test("a policy may ask for If-Match on a delete, of one key and of many", async () => {
    const Condition = { Null: { "s3:if-match": "false" } };
    await setPolicy(policy(allow("s3:DeleteObject", OBJECTS, { Principal: "*", Condition })));
    const etags: string[] = [];
    for (const key of ["one", "two"]) {
      const stored = await s3.signed({ method: "PUT", target: `/bucket/${key}`, body: key });
      etags.push(stored.headers.get("etag")!);
    }
    const remove = (headers?: Readonly<Record<string, string>>) =>
      s3.anonymous({ method: "DELETE", target: "/bucket/one", ...(headers && { headers }) });
    assert.equal((await remove()).status, 403);
    assert.equal((await remove({ "if-match": etags[0]! })).status, 204);
    const removeMany = async (condition: string) => {
      const body = `<Delete><Object><Key>two</Key>${condition}</Object></Delete>`;
      const headers = { "content-md5": createHash("md5").update(body).digest("base64") };
      return (await s3.anonymous({ method: "POST", target: "/bucket?delete", headers, body })).text;
    };
    assert.match(await removeMany(""), /<Code>AccessDenied<\/Code>/);
    assert.match(await removeMany(`<ETag>${etags[1]}</ETag>`), /<Deleted><Key>two<\/Key>/);
  });

  test("conditions see the tags that an object has and those that it gets", async () => {
    const tagged = { StringEquals: { "s3:ExistingObjectTag/level": "public" } };
    await setPolicy(policy(allow("s3:GetObject", OBJECTS, { Principal: "*", Condition: tagged })));
    await s3.signed({
      method: "PUT",
      target: "/bucket/secret",
      body: "x",
      headers: { "x-amz-tagging": "level=secret" },
    });
    assert.equal((await get("/bucket/k")).status, 200);
    assert.equal((await get("/bucket/secret")).status, 403);
    const requested = { StringEquals: { "s3:RequestObjectTag/level": "public" } };
    const writes = ["s3:PutObject", "s3:PutObjectTagging"];
    await setPolicy(policy(allow(writes, OBJECTS, { Principal: "*", Condition: requested })));
    const put = (level: string) =>
      s3.anonymous({ method: "PUT", target: "/bucket/t", body: "x", headers: { "x-amz-tagging": `level=${level}` } });
    assert.equal((await put("public")).status, 200);
    assert.equal((await put("secret")).status, 403);
    const tagging = (level: string) =>
      s3.anonymous({
        method: "PUT",
        target: "/bucket/t?tagging",
        body: `<Tagging><TagSet><Tag><Key>level</Key><Value>${level}</Value></Tag></TagSet></Tagging>`,
      });
    assert.equal((await tagging("public")).status, 200);
    assert.equal((await tagging("secret")).status, 403);
  });

  test("a write with tags, a copy, and attributes ask for more than one thing", async () => {
    await s3.signed({ method: "DELETE", target: "/bucket?policy" });
    const put = await s3.addUser("putter", policy(allow("s3:PutObject", OBJECTS)));
    const write = (headers: Readonly<Record<string, string>>) =>
      s3.signed({ method: "PUT", target: "/bucket/w", headers }, put);
    assert.equal((await write({})).status, 200);
    assert.equal((await write({ "x-amz-tagging": "a=1" })).status, 403);
    assert.equal((await write({ "x-amz-copy-source": "bucket/k" })).status, 403);
    const reader = await s3.addUser("reader2", policy(allow("s3:GetObjectAttributes", OBJECTS)));
    const headers = { "x-amz-object-attributes": "ETag" };
    const attributes = await s3.signed({ method: "GET", target: "/bucket/k?attributes", headers }, reader);
    assert.equal(attributes.status, 403);
  });

  test("who copies tags has to be allowed to read them", async () => {
    const copier = await s3.addUser("copier", policy(allow(["s3:GetObject", "s3:PutObject"], OBJECTS)));
    const copy = (headers: Readonly<Record<string, string>>) =>
      s3.signed(
        { method: "PUT", target: "/bucket/c", headers: { "x-amz-copy-source": "bucket/k", ...headers } },
        copier,
      );
    assert.equal((await copy({})).status, 403);
    assert.equal((await copy({ "x-amz-tagging-directive": "REPLACE" })).status, 200);
    assert.equal(
      (await copy({ "x-amz-copy-source": "bucket/w" })).status,
      200,
      "where there are none, there is no need",
    );
  });

  test("a version asks for the right to versions", async () => {
    const current = await s3.addUser("current", policy(allow(["s3:GetObject", "s3:DeleteObject"], OBJECTS)));
    assert.equal((await get("/bucket/k", current)).status, 200);
    assert.equal((await get("/bucket/k?versionId=null", current)).status, 403);
    const removed = await s3.signed({ method: "DELETE", target: "/bucket/k?versionId=null" }, current);
    assert.equal(removed.status, 403);
  });

  test("a policy that is wrong is refused, and there may be none", async () => {
    const wrong = [
      "",
      "x",
      "[]",
      "{}",
      JSON.stringify(policy(allow("s3:GetObject", "arn:aws:s3:::other/*", { Principal: "*" }))),
    ];
    for (const document of wrong) {
      const answer = await setPolicy(document);
      assert.equal(answer.status, 400, document);
      assert.equal(codeOf(answer), "MalformedPolicy", document);
    }
    assert.equal(codeOf(await s3.signed({ method: "GET", target: "/bucket?policy" })), "NoSuchBucketPolicy");
    const status = xmlOf(await s3.signed({ method: "GET", target: "/bucket?policyStatus" }));
    assert.equal(status.required("IsPublic").text(), "false");
    const tooLong = await setPolicy("x".repeat(70_000));
    assert.equal(codeOf(tooLong), "MaxMessageLengthExceeded");
  });

  test("a key that is unknown, disabled or out of date says so", async () => {
    const unknown = await get("/bucket/k", { accessKey: "UNKNOWN", secretKey: "x" });
    assert.equal(unknown.status, 403);
    assert.equal(codeOf(unknown), "InvalidAccessKeyId");
    const wrong = await get("/bucket/k", { ...ROOT, secretKey: "wrong" });
    assert.equal(wrong.status, 403);
    assert.equal(codeOf(wrong), "SignatureDoesNotMatch");
    assert.match(xmlOf(wrong).required("CanonicalRequest").text(), /^GET\n\/bucket\/k\n/);
    assert.match(xmlOf(wrong).required("StringToSign").text(), /^AWS4-HMAC-SHA256\n/);
    await s3.access.users.update("nobody", { enabled: false });
    assert.equal(codeOf(await get("/", nobody)), "InvalidAccessKeyId");
    const found = await s3.access.findCredential(ROOT.accessKey);
    assert(found.found);
    const issued = s3.access.issueTemporary(found.principal, { durationMillis: 900_000 });
    const temporary = { accessKey: issued.accessKeyId, secretKey: issued.secret, sessionToken: issued.sessionToken };
    assert.equal((await get("/bucket/k", temporary)).status, 200);
    assert.equal(codeOf(await get("/bucket/k", { ...temporary, sessionToken: "bad" })), "InvalidToken");
    s3.clock.advance(900_001);
    assert.equal(codeOf(await get("/bucket/k", temporary)), "ExpiredToken");
  });

  test("a request from another time is refused", async () => {
    const request = { method: "GET", target: "/bucket/k" };
    const late = await s3.send(signedRequest(request, ROOT, s3.clock.now() - 16 * 60_000));
    assert.equal(late.status, 403);
    assert.equal(codeOf(late), "RequestTimeTooSkewed");
  });

  test("nothing of all this was a surprise to the server", () => {
    assert.deepEqual(s3.unexpected, []);
  });
});
