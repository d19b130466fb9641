import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { codeOf, openTestS3, presignedRequest, ROOT, signedRequest, xmlOf } from "./testing/fixture.ts";

describe("addressing", () => {
  test("a bucket can be named by the host, and both ways reach the same object", async () => {
    await using s3 = await openTestS3({ domains: ["s3.test", "other.example"] });
    await s3.objects.createBucket("my.bucket", "root");
    const headers = { host: "my.bucket.s3.test:9000" };
    const put = await s3.signed({ method: "PUT", target: "/a%20b/c", headers, body: "x" });
    assert.equal(put.status, 200, put.text);
    assert.equal((await s3.signed({ method: "GET", target: "/my.bucket/a%20b/c" })).text, "x");
    const other = { host: "MY.Bucket.Other.example" };
    assert.equal((await s3.signed({ method: "GET", target: "/a%20b/c", headers: other })).text, "x");
    const listed = await s3.signed({ method: "GET", target: "/?list-type=2", headers });
    assert.equal(xmlOf(listed).required("Name").text(), "my.bucket");
    const location = await s3.signed({ method: "GET", target: "/?location", headers });
    assert.equal(location.status, 200);
  });

  test("without a domain every host is path-style", async () => {
    await using s3 = await openTestS3();
    const answer = await s3.signed({ method: "GET", target: "/", headers: { host: "bucket.s3.test" } });
    assert.equal(xmlOf(answer).name, "ListAllMyBucketsResult");
  });

  test("a location is the public URL, or the host that the client used", async () => {
    const locationIn = async (
      options: Parameters<typeof openTestS3>[0],
      host: string,
      target: string,
      secure = false,
    ) => {
      await using s3 = await openTestS3(options);
      await s3.objects.createBucket("bucket", "root");
      const begun = await s3.signed({ method: "POST", target: `${target}?uploads`, headers: { host } });
      const id = xmlOf(begun).required("UploadId").text();
      const part = await s3.signed({
        method: "PUT",
        target: `${target}?uploadId=${id}&partNumber=1`,
        headers: { host },
        body: "x",
      });
      const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.get("etag")}</ETag></Part></CompleteMultipartUpload>`;
      const done = await s3.send({
        ...signedRequest({ method: "POST", target: `${target}?uploadId=${id}`, headers: { host }, body }, ROOT),
        secure,
      });
      return xmlOf(done).required("Location").text();
    };
    assert.equal(await locationIn({}, "s3.test:9000", "/bucket/a%20b"), "http://s3.test:9000/bucket/a%20b");
    assert.equal(await locationIn({}, "s3.test", "/bucket/k", true), "https://s3.test/bucket/k");
    const publicUrl = "https://files.example/";
    assert.equal(await locationIn({ publicUrl }, "inner:9000", "/bucket/k"), "https://files.example/bucket/k");
    const domains = ["s3.test"];
    assert.equal(await locationIn({ domains }, "bucket.s3.test", "/a/b"), "http://bucket.s3.test/a/b");
  });

  test("behind a trusted proxy the client's host is the one that was signed", async () => {
    const forwarded = (options: Parameters<typeof openTestS3>[0]) => openTestS3({ ...options, domains: ["s3.test"] });
    const request = signedRequest({ method: "GET", target: "/", headers: { host: "bucket.s3.test" } }, ROOT);
    const rawHeaders = request.rawHeaders.map((text) => (text === "bucket.s3.test" ? "inner:9000" : text));
    const throughProxy = [...rawHeaders, "X-Forwarded-Host", "bucket.s3.test", "X-Forwarded-For", "203.0.113.9"];
    {
      await using s3 = await forwarded({ trustedProxies: ["192.0.2.0/24"] });
      await s3.objects.createBucket("bucket", "root");
      const answer = await s3.send({ ...request, rawHeaders: throughProxy });
      assert.equal(answer.status, 200, answer.text);
      assert.equal(xmlOf(answer).required("Name").text(), "bucket");
      // The record follows the answer.
      await s3.anonymous({ method: "GET", target: "/" });
      const [record] = s3.records;
      assert.equal(record?.remoteAddress, "203.0.113.9");
    }
    {
      await using s3 = await forwarded({ trustedProxies: ["198.51.100.0/24"] });
      const answer = await s3.send({ ...request, rawHeaders: throughProxy });
      assert.equal(codeOf(answer), "SignatureDoesNotMatch", "a stranger's word for the host is not taken");
    }
  });

  test("a trusted proxy that is no address is refused at the start", async () => {
    await assert.rejects(openTestS3({ trustedProxies: ["proxy.example"] }), /proxy\.example/);
  });
});

describe("presigned links", () => {
  test("a link is good for its method, its key and its time", async () => {
    await using s3 = await openTestS3();
    await s3.objects.createBucket("bucket", "root");
    const put = await s3.presigned({ method: "PUT", target: "/bucket/a%20b%2Bc", body: "hello" });
    assert.equal(put.status, 200, put.text);
    const link = presignedRequest({ method: "GET", target: "/bucket/a%20b%2Bc" }, ROOT);
    assert.equal((await s3.send(link)).text, "hello");
    assert.equal(codeOf(await s3.send({ ...link, method: "DELETE" })), "SignatureDoesNotMatch");
    const elsewhere = { ...link, target: link.target.replace("a%20b", "other") };
    assert.equal(codeOf(await s3.send(elsewhere)), "SignatureDoesNotMatch");
    s3.clock.advance(3_601_000);
    const late = await s3.send(link);
    assert.equal(late.status, 403);
    assert.equal(codeOf(late), "AccessDenied");
  });

  test("headers that an SDK moved into a link count as if they had been sent", async () => {
    await using s3 = await openTestS3();
    await s3.objects.createBucket("bucket", "root");
    const target = "/bucket/k?x-amz-meta-color=blue&X-Amz-Storage-Class=STANDARD_IA&x-amz-tagging=a%3D1&x-id=PutObject";
    assert.equal((await s3.presigned({ method: "PUT", target, body: "x" })).status, 200);
    const { headers } = await s3.signed({ method: "HEAD", target: "/bucket/k" });
    assert.equal(headers.get("x-amz-meta-color"), "blue");
    assert.equal(headers.get("x-amz-storage-class"), "STANDARD_IA");
    assert.equal(headers.get("x-amz-tagging-count"), "1");
    const encrypted = await s3.presigned({
      method: "PUT",
      target: "/bucket/k?x-amz-server-side-encryption=AES256",
      body: "x",
    });
    assert.equal(codeOf(encrypted), "NotImplemented");
    const open = await s3.presigned({ method: "PUT", target: "/bucket/k?x-amz-acl=public-read", body: "x" });
    assert.equal(codeOf(open), "AccessControlListNotSupported");
  });

  test("the checksum of a body that the signer did not have does not stand in its way", async () => {
    await using s3 = await openTestS3();
    await s3.objects.createBucket("bucket", "root");
    const query = "x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32";
    const put = await s3.presigned({ method: "PUT", target: `/bucket/k?${query}`, body: "hello" });
    assert.equal(put.status, 200, put.text);
    assert.equal(put.headers.get("x-amz-checksum-crc32"), "NhCmhg==", "the server's own is kept");
    const meant = await s3.presigned({
      method: "PUT",
      target: "/bucket/k?x-amz-checksum-crc32=AAAAAQ%3D%3D",
      body: "hello",
    });
    assert.equal(codeOf(meant), "BadDigest");
  });

  test("a link may set headers of the answer", async () => {
    await using s3 = await openTestS3();
    await s3.objects.createBucket("bucket", "root");
    await s3.signed({ method: "PUT", target: "/bucket/k", body: "x" });
    const answer = await s3.presigned({ method: "GET", target: "/bucket/k?response-content-type=text%2Fplain" });
    assert.equal(answer.headers.get("content-type"), "text/plain");
  });

  test("Signature Version 2 is let in unless an option says no", async () => {
    const target = "/bucket/k?AWSAccessKeyId=ROOTKEY&Expires=1795266000&Signature=x";
    {
      await using s3 = await openTestS3({ allowV2: false });
      assert.equal(codeOf(await s3.anonymous({ method: "GET", target })), "InvalidRequest");
    }
    await using s3 = await openTestS3();
    assert.equal(codeOf(await s3.anonymous({ method: "GET", target })), "SignatureDoesNotMatch");
  });
});
