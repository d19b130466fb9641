import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { S3Act } from "./gateway.ts";
import { OPERATIONS } from "./operations/index.ts";
import { openTestS3 } from "./testing/fixture.ts";

const EVERYTHING = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "*" }] };
const OPEN_TO_ALL = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: "*", Action: "s3:*", Resource: "arn:aws:s3:::photos" }],
};
const CORS =
  "<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin></CORSRule></CORSConfiguration>";
const TAGS = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>";
const VERSIONING = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";

describe("the acts of administrators", () => {
  test("are reported with who did them, each once, and nothing else is", async () => {
    const acts: S3Act[] = [];
    await using s3 = await openTestS3({}, { onAct: (act) => void acts.push(act) });
    const alice = await s3.addUser("alice", EVERYTHING);
    const succeeds = async (method: string, target: string, body = ""): Promise<void> => {
      const answer = await s3.signed({ method, target, body }, alice);
      assert.ok(answer.status < 300, `${method} ${target}: ${answer.text}`);
    };
    await succeeds("PUT", "/photos");
    await succeeds("PUT", "/photos?versioning", VERSIONING);
    await succeeds("PUT", "/photos?tagging", TAGS);
    await succeeds("DELETE", "/photos?tagging");
    await succeeds("PUT", "/photos?cors", CORS);
    await succeeds("DELETE", "/photos?cors");
    await succeeds("PUT", "/photos?policy", JSON.stringify(OPEN_TO_ALL));
    await succeeds("DELETE", "/photos?policy");
    await succeeds("GET", "/photos?versioning");
    await succeeds("PUT", "/other");
    await succeeds("PUT", "/other/key", "content");
    await succeeds("PUT", "/other/key?tagging", TAGS);
    await succeeds("DELETE", "/other/key");
    await succeeds("DELETE", "/photos");
    assert.deepEqual(
      acts.map(({ operation, bucket }) => `${operation} ${bucket}`),
      [
        ...[
          "CreateBucket photos",
          "PutBucketVersioning photos",
          "PutBucketTagging photos",
          "DeleteBucketTagging photos",
        ],
        ...["PutBucketCors photos", "DeleteBucketCors photos", "PutBucketPolicy photos", "DeleteBucketPolicy photos"],
        ...["CreateBucket other", "DeleteBucket photos"],
      ],
    );
    for (const { principal, address, requestId } of acts) {
      assert.deepEqual([principal, address, requestId.length], ["alice", "192.0.2.7", 16]);
    }
    const told = new Set(acts.map(({ operation }) => operation));
    for (const { name, act } of OPERATIONS) assert.equal(told.has(name as S3Act["operation"]), act === true, name);
  });

  test("are not reported where they failed or changed nothing", async () => {
    const acts: S3Act[] = [];
    await using s3 = await openTestS3({}, { onAct: (act) => void acts.push(act) });
    assert.equal((await s3.signed({ method: "PUT", target: "/photos" })).status, 200);
    assert.equal((await s3.signed({ method: "PUT", target: "/photos" })).status, 200);
    assert.equal((await s3.anonymous({ method: "DELETE", target: "/photos" })).status, 403);
    assert.equal((await s3.signed({ method: "DELETE", target: "/missing" })).status, 404);
    assert.equal((await s3.signed({ method: "PUT", target: "/photos?policy", body: "{" })).status, 400);
    assert.equal(acts.length, 1);
  });

  test("name nobody where a policy lets anybody do them", async () => {
    const acts: S3Act[] = [];
    await using s3 = await openTestS3({}, { onAct: (act) => void acts.push(act) });
    await s3.signed({ method: "PUT", target: "/photos" });
    await s3.signed({ method: "PUT", target: "/photos?policy", body: JSON.stringify(OPEN_TO_ALL) });
    assert.equal((await s3.anonymous({ method: "PUT", target: "/photos?tagging", body: TAGS })).status, 204);
    assert.deepEqual([acts[2]!.operation, acts[2]!.principal], ["PutBucketTagging", undefined]);
  });
});
