import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Credentials, codeOf, openTestS3, type TestS3, xmlOf } from "./testing/fixture.ts";

describe("buckets", () => {
  let s3: TestS3;
  let alice: Credentials;
  before(async () => {
    s3 = await openTestS3({ region: "eu-north-1" });
    alice = await s3.addUser("alice", {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "*" }],
    });
  });
  after(async () => {
    await s3[Symbol.asyncDispose]();
  });

  const put = (target: string, body?: string, headers: Readonly<Record<string, string>> = {}, by?: Credentials) =>
    s3.signed({ method: "PUT", target, headers, ...(body !== undefined && { body }) }, by);

  test("a bucket is made, found, and told apart by its owner", async () => {
    const made = await put("/bucket");
    assert.equal(made.status, 200);
    assert.equal(made.headers.get("location"), "/bucket");
    const head = await s3.signed({ method: "HEAD", target: "/bucket" });
    assert.equal(head.status, 200);
    assert.equal(head.headers.get("x-amz-bucket-region"), "eu-north-1");
    const again = await put("/bucket/");
    assert.equal(again.status, 409);
    assert.equal(codeOf(again), "BucketAlreadyOwnedByYou");
    const other = await put("/bucket", undefined, {}, alice);
    assert.equal(other.status, 409);
    assert.equal(codeOf(other), "BucketAlreadyExists");
    assert.equal(xmlOf(other).required("BucketName").text(), "bucket");
  });

  test("any region is taken, and ours is answered", async () => {
    const document =
      "<CreateBucketConfiguration><LocationConstraint>mars-1</LocationConstraint></CreateBucketConfiguration>";
    assert.equal((await put("/located", document)).status, 200);
    const location = await s3.signed({ method: "GET", target: "/located?location" });
    assert.equal(xmlOf(location).name, "LocationConstraint");
    assert.equal(xmlOf(location).text(), "eu-north-1");
  });

  test("the first region of all has no name, and takes it well if a bucket is made twice", async () => {
    await using plain = await openTestS3();
    for (let round = 0; round < 2; round++) {
      assert.equal((await plain.signed({ method: "PUT", target: "/bucket" })).status, 200);
    }
    const location = await plain.signed({ method: "GET", target: "/bucket/?location=" });
    assert.equal(xmlOf(location).text(), "");
  });

  test("names that DNS could not hold are InvalidBucketName", async () => {
    for (const name of ["ab", "UPPER", "a_b", "a..b", "-ab", "ab-", "192.168.5.4", "a".repeat(64)]) {
      const refused = await put(`/${name}`);
      assert.equal(refused.status, 400, name);
      assert.equal(codeOf(refused), "InvalidBucketName", name);
    }
  });

  test("a document that asks for more than a region is refused", async () => {
    const documents = [
      "<CreateBucketConfiguration><Tags><Tag><Key>a</Key><Value>b</Value></Tag></Tags></CreateBucketConfiguration>",
      "<CreateBucketConfiguration>",
      "<Other/>",
      "text",
    ];
    for (const document of documents) {
      const refused = await put("/refused", document);
      assert.equal(codeOf(refused), "MalformedXML", document);
    }
    const locked = await put("/refused", undefined, { "x-amz-bucket-object-lock-enabled": "true" });
    assert.equal(codeOf(locked), "NotImplemented");
    const open = await put("/refused", undefined, { "x-amz-acl": "public-read" });
    assert.equal(codeOf(open), "AccessControlListNotSupported");
    assert.equal((await s3.signed({ method: "HEAD", target: "/refused" })).status, 404);
  });

  test("a bucket is deleted once it is empty", async () => {
    await put("/short-lived");
    await put("/short-lived/k", "x");
    const full = await s3.signed({ method: "DELETE", target: "/short-lived" });
    assert.equal(full.status, 409);
    assert.equal(codeOf(full), "BucketNotEmpty");
    await s3.signed({ method: "DELETE", target: "/short-lived/k" });
    assert.equal((await s3.signed({ method: "DELETE", target: "/short-lived" })).status, 204);
    const gone = await s3.signed({ method: "DELETE", target: "/short-lived" });
    assert.equal(gone.status, 404);
    assert.equal(codeOf(gone), "NoSuchBucket");
  });

  test("every operation on a bucket that is not there is NoSuchBucket", async () => {
    const targets: readonly (readonly [string, string, string?])[] = [
      ["GET", "/missing"],
      ["GET", "/missing?list-type=2"],
      ["GET", "/missing?versions"],
      ["GET", "/missing?uploads"],
      ["GET", "/missing?location"],
      ["GET", "/missing?versioning"],
      ["GET", "/missing?tagging"],
      ["GET", "/missing?cors"],
      ["GET", "/missing?policy"],
      ["GET", "/missing?policyStatus"],
      ["GET", "/missing?acl"],
      ["GET", "/missing?ownershipControls"],
      ["DELETE", "/missing?tagging"],
      ["DELETE", "/missing?cors"],
      ["DELETE", "/missing?policy"],
      ["PUT", "/missing?acl"],
      ["PUT", "/missing/k", "x"],
      ["GET", "/missing/k"],
      ["DELETE", "/missing/k"],
      ["GET", "/missing/k?tagging"],
      ["POST", "/missing/k?uploads"],
      ["GET", "/missing/k?uploadId=1"],
      ["PUT", "/missing/k?uploadId=1&partNumber=1", "x"],
    ];
    for (const [method, target, body] of targets) {
      const answer = await s3.signed({ method, target, ...(body !== undefined && { body }) });
      assert.equal(answer.status, 404, `${method} ${target} ${answer.text}`);
      assert.equal(codeOf(answer), "NoSuchBucket", `${method} ${target}`);
    }
  });

  test("the owner has full control, which is all that an ACL can say", async () => {
    await put("/with-acl");
    await put("/with-acl/k", "x");
    for (const target of ["/with-acl?acl", "/with-acl/k?acl"]) {
      const acl = xmlOf(await s3.signed({ method: "GET", target }));
      assert.equal(acl.required("Owner").required("ID").text(), "root");
      const grant = acl.required("AccessControlList").required("Grant");
      assert.equal(grant.required("Permission").text(), "FULL_CONTROL");
      assert.equal(grant.required("Grantee").required("ID").text(), "root");
      const back = new TextDecoder().decode((await s3.signed({ method: "GET", target })).body);
      assert.equal((await put(target, back)).status, 200, "what was read can be written");
      assert.equal((await put(target, undefined, { "x-amz-acl": "private" })).status, 200);
      assert.equal(
        codeOf(await put(target, undefined, { "x-amz-acl": "public-read" })),
        "AccessControlListNotSupported",
      );
      const stranger = back.replaceAll("<ID>root</ID>", "<ID>stranger</ID>");
      assert.equal(codeOf(await put(target, stranger)), "AccessControlListNotSupported");
      assert.equal(codeOf(await put(target, back.replace("FULL_CONTROL", "READ"))), "AccessControlListNotSupported");
      const nobody = back.replace(/<Grant>.*<\/Grant>/, "");
      assert.notEqual(nobody, back);
      assert.equal(codeOf(await put(target, nobody)), "AccessControlListNotSupported");
    }
    assert.equal(codeOf(await s3.signed({ method: "GET", target: "/with-acl/missing?acl" })), "NoSuchKey");
    const ownership = xmlOf(await s3.signed({ method: "GET", target: "/with-acl?ownershipControls" }));
    assert.equal(ownership.required("Rule").required("ObjectOwnership").text(), "BucketOwnerEnforced");
  });

  test("what is not built says so, after asking who is there", async () => {
    const stranger = await s3.anonymous({ method: "GET", target: "/bucket?website" });
    assert.equal(stranger.status, 501);
    const queries = [
      "website",
      "lifecycle",
      "encryption",
      "replication",
      "notification",
      "object-lock",
      "inventory&id=1",
    ];
    for (const query of queries) {
      const answer = await s3.signed({ method: "GET", target: `/bucket?${query}` });
      assert.equal(answer.status, 501, query);
      assert.equal(codeOf(answer), "NotImplemented", query);
    }
  });

  test("nothing of all this was a surprise to the server", () => {
    assert.deepEqual(s3.unexpected, []);
  });
});
