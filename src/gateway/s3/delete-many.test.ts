import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { codeOf, openTestS3, type TestS3, xmlOf } from "./testing/fixture.ts";

type Headers = Readonly<Record<string, string>>;

const md5 = (body: string): Headers => ({ "content-md5": createHash("md5").update(body).digest("base64") });
const objects = (...inside: readonly string[]): string =>
  `<Delete>${inside.map((object) => `<Object>${object}</Object>`).join("")}</Delete>`;

describe("deleting many objects", () => {
  let s3: TestS3;
  before(async () => {
    s3 = await openTestS3();
    await s3.objects.createBucket("bucket", "root");
  });
  after(async () => {
    await s3[Symbol.asyncDispose]();
  });

  const send = (body: string, headers: Headers = md5(body), target = "/bucket?delete") =>
    s3.signed({ method: "POST", target, body, headers });
  const put = (key: string) => s3.signed({ method: "PUT", target: `/bucket/${key}`, body: key });

  test("each key gets an answer, in the order asked, whether it was there or not", async () => {
    await put("a");
    await put("b");
    const answer = await send(objects("<Key>b</Key>", "<Key>missing</Key>", "<Key>a</Key>"));
    assert.equal(answer.status, 200, answer.text);
    const keys = xmlOf(answer)
      .all("Deleted")
      .map((deleted) => deleted.required("Key").text());
    assert.deepEqual(keys, ["b", "missing", "a"]);
    assert.equal((await s3.signed({ method: "GET", target: "/bucket/a" })).status, 404);
  });

  test("a quiet request is told of failures only", async () => {
    await put("quiet");
    const body = `<Delete><Quiet>true</Quiet><Object><Key>quiet</Key></Object><Object><Key>${"x".repeat(1025)}</Key></Object></Delete>`;
    const root = xmlOf(await send(body));
    assert.deepEqual(root.all("Deleted"), []);
    assert.equal(root.required("Error").required("Code").text(), "KeyTooLongError");
  });

  test("keys with every kind of character are understood", async () => {
    const keys = ["<&>\"'", "é 😀", "\u0001\r\n", "..//x", " "];
    for (const key of keys) await put(encodeURIComponent(key));
    const references = (key: string) =>
      Array.from(key, (character) =>
        /[a-z]/.test(character) ? character : `&#x${character.codePointAt(0)!.toString(16)};`,
      ).join("");
    const answer = await send(objects(...keys.map((key) => `<Key>${references(key)}</Key>`)));
    const listed = xmlOf(await s3.signed({ method: "GET", target: "/bucket?list-type=2" }));
    assert.deepEqual(listed.all("Contents").length, 0, answer.text);
  });

  test("without a digest, or with a wrong one, nothing is deleted", async () => {
    await put("kept");
    const body = objects("<Key>kept</Key>");
    assert.equal(codeOf(await send(body, {})), "InvalidRequest");
    assert.equal(codeOf(await send(body, md5("other"))), "BadDigest");
    assert.equal(codeOf(await send(body, { "x-amz-checksum-crc32": "AAAAAA==" })), "BadDigest");
    const trailer = { "x-amz-sdk-checksum-algorithm": "CRC32" };
    assert.equal((await s3.signed({ method: "GET", target: "/bucket/kept" })).status, 200);
    assert.equal((await send(body, trailer, "/bucket?delete=")).status, 200);
  });

  test("what is no such document, or names too much, is MalformedXML", async () => {
    const thousandAndOne = objects(...Array.from({ length: 1001 }, (_, at) => `<Key>${at}</Key>`));
    const documents = [
      ...["<Delete></Delete>", "<Delete>", "", "text", "<Other/>", objects("<VersionId>1</VersionId>"), thousandAndOne],
      ...[objects("<Key>a</Key><Key>b</Key>"), objects("<Key>a</Key><Color>b</Color>")],
      '<!DOCTYPE Delete [<!ENTITY x "y">]><Delete><Object><Key>&x;</Key></Object></Delete>',
    ];
    for (const body of documents) {
      const answer = await send(body);
      assert.equal(answer.status, 400, body.slice(0, 80));
      assert.equal(codeOf(answer), "MalformedXML", body.slice(0, 80));
    }
    const thousand = objects(...Array.from({ length: 1000 }, (_, at) => `<Key>${at}</Key>`));
    assert.equal(xmlOf(await send(thousand)).all("Deleted").length, 1000);
  });

  test("a document beyond its limit is refused before it is read", async () => {
    const answer = await send("<Delete/>", { ...md5("<Delete/>"), "content-length": String(64 * 1024 * 1024) });
    assert.equal(codeOf(answer), "MaxMessageLengthExceeded");
  });

  test("versions and delete markers can be named, and conditions hold for each key", async () => {
    await s3.objects.createBucket("versions", "root");
    await s3.objects.setVersioning("versions", "enabled");
    const first = await s3.signed({ method: "PUT", target: "/versions/k", body: "1" });
    const id = first.headers.get("x-amz-version-id")!;
    const body = objects("<Key>k</Key>", `<Key>k</Key><VersionId>${id}</VersionId>`);
    const [marker, version] = xmlOf(await send(body, md5(body), "/versions?delete")).all("Deleted");
    assert.equal(marker!.required("DeleteMarker").text(), "true");
    const markerId = marker!.required("DeleteMarkerVersionId").text();
    assert.equal(version!.required("VersionId").text(), id);
    assert.equal(version!.optional("DeleteMarker"), undefined);
    const ofMarker = objects(`<Key>k</Key><VersionId>${markerId}</VersionId>`);
    const removed = xmlOf(await send(ofMarker, md5(ofMarker), "/versions?delete")).required("Deleted");
    assert.equal(removed.required("DeleteMarkerVersionId").text(), markerId);
    await put("conditional");
    const wrong = objects("<Key>conditional</Key><ETag>bad</ETag>", "<Key>conditional</Key><Size>99</Size>");
    const codes = xmlOf(await send(wrong))
      .all("Error")
      .map((error) => error.required("Code").text());
    assert.deepEqual(codes, ["PreconditionFailed", "PreconditionFailed"]);
    const time = "<LastModifiedTime>2026-11-21T12:00:00.000Z</LastModifiedTime>";
    const right = xmlOf(await send(objects(`<Key>conditional</Key><Size>11</Size>${time}`)));
    assert.equal(right.all("Deleted").length, 1);
  });

  test("who may delete one key only, deletes one key only", async () => {
    await put("mine");
    await put("yours");
    const bob = await s3.addUser("bob", {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "s3:DeleteObject", Resource: "arn:aws:s3:::bucket/mine" }],
    });
    const body = objects("<Key>mine</Key>", "<Key>yours</Key>");
    const root = xmlOf(await s3.signed({ method: "POST", target: "/bucket?delete", body, headers: md5(body) }, bob));
    assert.equal(root.required("Deleted").required("Key").text(), "mine");
    assert.equal(root.required("Error").required("Code").text(), "AccessDenied");
    assert.equal((await s3.signed({ method: "GET", target: "/bucket/yours" })).status, 200);
  });

  test("a bucket that is not there fails the whole request", async () => {
    const body = objects("<Key>a</Key>");
    assert.equal(codeOf(await send(body, md5(body), "/missing?delete")), "NoSuchBucket");
  });

  test("nothing of all this was a surprise to the server", () => {
    assert.deepEqual(s3.unexpected, []);
  });
});
