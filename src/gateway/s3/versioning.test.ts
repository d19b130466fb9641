import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { TestAnswer } from "./testing/exchange.ts";
import { codeOf, openTestS3, type TestS3, xmlOf } from "./testing/fixture.ts";

describe("versioning", () => {
  let s3: TestS3;
  before(async () => {
    s3 = await openTestS3();
    await s3.objects.createBucket("bucket", "root");
  });
  after(async () => {
    await s3[Symbol.asyncDispose]();
  });

  const send = (method: string, target: string, body?: string) =>
    s3.signed({ method, target: `/bucket${target}`, ...(body !== undefined && { body }) });
  const setVersioning = (status: string) =>
    send("PUT", "?versioning", `<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>`);
  const statusOf = async () =>
    xmlOf(await send("GET", "?versioning"))
      .optional("Status")
      ?.text();
  const versionOf = (answer: TestAnswer) => answer.headers.get("x-amz-version-id");

  test("a bucket has no status until it gets one", async () => {
    assert.equal(await statusOf(), undefined);
    assert.equal((await send("PUT", "/before", "old")).headers.has("x-amz-version-id"), false);
    assert.equal((await setVersioning("Enabled")).status, 200);
    assert.equal(await statusOf(), "Enabled");
  });

  test("what is no status is refused", async () => {
    assert.equal(codeOf(await setVersioning("Perhaps")), "MalformedXML");
    const none = await send("PUT", "?versioning", "<VersioningConfiguration/>");
    assert.equal(codeOf(none), "IllegalVersioningConfigurationException");
    const mfa =
      "<VersioningConfiguration><Status>Enabled</Status><MfaDelete>Enabled</MfaDelete></VersioningConfiguration>";
    assert.equal(codeOf(await send("PUT", "?versioning", mfa)), "NotImplemented");
    assert.equal(codeOf(await send("PUT", "?versioning", "")), "MalformedXML");
  });

  test("each write is a version, and an older one can still be read", async () => {
    const first = await send("PUT", "/k", "one");
    const second = await send("PUT", "/k", "two");
    assert.notEqual(versionOf(first), versionOf(second));
    assert.equal((await send("GET", "/k")).text, "two");
    const older = await send("GET", `/k?versionId=${versionOf(first)}`);
    assert.equal(older.text, "one");
    assert.equal(versionOf(older), versionOf(first));
  });

  test("a delete without a version hides the object behind a marker", async () => {
    const written = await send("PUT", "/hidden", "x");
    const deleted = await send("DELETE", "/hidden");
    assert.equal(deleted.status, 204);
    assert.equal(deleted.headers.get("x-amz-delete-marker"), "true");
    const marker = versionOf(deleted);
    const read = await send("GET", "/hidden");
    assert.equal(read.status, 404);
    assert.equal(codeOf(read), "NoSuchKey");
    assert.equal(read.headers.get("x-amz-delete-marker"), "true");
    assert.equal(versionOf(read), marker);
    const ofMarker = await send("GET", `/hidden?versionId=${marker}`);
    assert.equal(ofMarker.status, 405);
    assert.equal(codeOf(ofMarker), "MethodNotAllowed");
    assert.equal(ofMarker.headers.get("x-amz-delete-marker"), "true");
    assert.equal(ofMarker.headers.get("allow"), "DELETE");
    const undone = await send("DELETE", `/hidden?versionId=${marker}`);
    assert.equal(undone.headers.get("x-amz-delete-marker"), "true");
    assert.equal(versionOf(undone), marker);
    assert.equal((await send("GET", "/hidden")).text, "x");
    const removed = await send("DELETE", `/hidden?versionId=${versionOf(written)}`);
    assert.equal(removed.headers.has("x-amz-delete-marker"), false);
    assert.equal((await send("GET", "/hidden")).headers.has("x-amz-delete-marker"), false);
  });

  test("versions are listed newest first, with markers among them", async () => {
    const one = versionOf(await send("PUT", "/listed", "1"));
    const marker = versionOf(await send("DELETE", "/listed"));
    const two = versionOf(await send("PUT", "/listed", "22"));
    const page = xmlOf(await send("GET", "?versions&prefix=listed"));
    const entries = page.children.filter(({ name }) => name === "Version" || name === "DeleteMarker");
    assert.deepEqual(
      entries.map((entry) => [entry.name, entry.required("VersionId").text(), entry.required("IsLatest").text()]),
      [
        ["Version", two, "true"],
        ["DeleteMarker", marker, "false"],
        ["Version", one, "false"],
      ],
    );
    assert.equal(entries[0]!.required("Size").text(), "2");
    assert.equal(entries[1]!.optional("Size"), undefined);
    const before = xmlOf(await send("GET", "?versions&prefix=before")).required("Version");
    assert.equal(before.required("VersionId").text(), "null");
  });

  test("pages of versions join to the whole listing", async () => {
    const idsIn = (page: ReturnType<typeof xmlOf>) =>
      page.children
        .filter(({ name }) => name === "Version" || name === "DeleteMarker")
        .map((entry) => `${entry.required("Key").text()} ${entry.required("VersionId").text()}`);
    const whole = idsIn(xmlOf(await send("GET", "?versions")));
    assert(whole.length >= 6);
    for (const size of [1, 2, 3]) {
      const seen: string[] = [];
      let marker = "";
      for (;;) {
        const page = xmlOf(await send("GET", `?versions&max-keys=${size}${marker}`));
        seen.push(...idsIn(page));
        if (page.required("IsTruncated").text() === "false") break;
        const key = encodeURIComponent(page.required("NextKeyMarker").text());
        const version = page.optional("NextVersionIdMarker")?.text();
        marker = `&key-marker=${key}${version === undefined ? "" : `&version-id-marker=${version}`}`;
      }
      assert.deepEqual(seen, whole, `pages of ${size}`);
    }
  });

  test("while versioning is suspended there is one null version", async () => {
    await send("PUT", "/null", "kept");
    await setVersioning("Suspended");
    const first = await send("PUT", "/null", "one");
    assert.equal(versionOf(first), undefined, "a null version has no id to tell");
    assert.equal(versionOf(await send("GET", "/null")), "null");
    await send("PUT", "/null", "two");
    assert.equal((await send("GET", "/null?versionId=null")).text, "two");
    const page = xmlOf(await send("GET", "?versions&prefix=null"));
    assert.equal(page.all("Version").length, 2);
    const deleted = await send("DELETE", "/null");
    assert.equal(deleted.headers.get("x-amz-delete-marker"), "true");
    assert.equal(versionOf(deleted), "null");
    await setVersioning("Enabled");
  });

  test("a version that is not there, or is no version, is told apart", async () => {
    await send("PUT", "/k2", "x");
    const absent = await send("GET", `/k2?versionId=${versionOf(await send("PUT", "/k3", "x"))}`);
    assert.equal(absent.status, 404);
    assert.equal(codeOf(absent), "NoSuchVersion");
    const wrong = await send("GET", "/k2?versionId=%C3%A9");
    assert.equal(wrong.status, 400);
    assert.equal(codeOf(wrong), "InvalidArgument");
    const empty = await send("GET", "/k2?versionId=");
    assert.equal(codeOf(empty), "InvalidArgument");
  });

  test("nothing of all this was a surprise to the server", () => {
    assert.deepEqual(s3.unexpected, []);
  });
});
