import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import * as s3 from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { deterministicBytes } from "../src/testing/deterministic-bytes.ts";
import { type ServerProcess, startServerProcess } from "../src/testing/server-process.ts";
import { LARGE_BYTES, run, SMALL_FILES, sha256 } from "./client.ts";
import { type ForeignServer, startSeaweed } from "./seaweed.ts";

// The commands of docs/operations/from-minio.md, as they stand there, from another maker's server to this one: what the page promises
// to come over does, and what it says is lost is lost. MinIO's own server can not be installed from a package registry.

const MEBIBYTE = 1024 * 1024;
const PART_BYTES = 5 * MEBIBYTE;
const UNUSUAL_KEYS = ["..dots", "e\u0301", "line\nbreak", "tab\tstop", 'quote"<tag>', "semi;colon:at@,$", "%2F"];
/** Larger than what rclone puts in one piece. */
const LARGE = { key: "folder/large", bytes: LARGE_BYTES + 1 };
const MULTIPART = { key: "folder/multipart", bytes: 12 * MEBIBYTE };
const HEADERS = {
  CacheControl: "max-age=60",
  ContentDisposition: 'attachment; filename="x.txt"',
  ContentEncoding: "identity",
  ContentLanguage: "de",
  ContentType: "text/x-moved",
};

describe("moving from another S3 server with rclone", () => {
  let seaweed: ForeignServer;
  let server: ServerProcess;
  let old: s3.S3Client;
  let fresh: s3.S3Client;
  let page: Page;

  before(async () => {
    [seaweed, server] = await Promise.all([startSeaweed(), startServerProcess()]);
    [old, fresh] = [clientOf(seaweed), clientOf(server)];
    page = await readPage({ OLD: seaweed, NEW: server });
    await fill(old);
  });
  after(async () => {
    old?.destroy();
    fresh?.destroy();
    await server?.[Symbol.asyncDispose]();
    await seaweed?.[Symbol.asyncDispose]();
  });

  test("every bucket, object, header and metadata value comes over", async () => {
    await page.sync();
    await page.check();
    assert.deepEqual(await bucketsOf(fresh), ["empty", "many", "photos"]);
    await compare(old, fresh);
  });

  test("times of change are in the metadata, and the etags of multipart uploads are others", async () => {
    const [before, moved] = [await head(old, MULTIPART.key), await head(fresh, MULTIPART.key)];
    assert.equal(Number(moved.Metadata!["mtime"]) * 1000, before.LastModified!.getTime());
    assert.notEqual(moved.ETag, before.ETag);
    assert.match((await head(fresh, LARGE.key)).ETag!, /-\d+"$/);
  });

  test("an object whose key ends in a slash does not come over", async () => {
    assert.ok((await keysOf(old, "photos")).includes("marker/"));
    assert.ok(!(await keysOf(fresh, "photos")).includes("marker/"));
  });

  test("a second round changes nothing", async () => {
    const before = await list(fresh, "photos");
    await page.sync();
    assert.deepEqual(await list(fresh, "photos"), before);
  });

  test("a round after changes carries them, a multipart object of the same size among them", async () => {
    await put(old, "photos", "new", deterministicBytes(1, 5000));
    await put(old, "photos", "folder/a b", deterministicBytes(2, 100));
    await old.send(new s3.DeleteObjectCommand({ Bucket: "photos", Key: "one" }));
    await upload(old, MULTIPART.key, deterministicBytes(77, MULTIPART.bytes));
    await assert.rejects(page.check());
    await page.sync();
    await page.check();
    assert.ok(!(await keysOf(fresh, "photos")).includes("one"));
    await compare(old, fresh);
  });

  test("a change of metadata alone comes over in a round that ignores times", async () => {
    const [Bucket, Key] = ["many", "many/000"];
    const got = await old.send(new s3.GetObjectCommand({ Bucket, Key }));
    const Body = await got.Body!.transformToByteArray();
    await old.send(new s3.PutObjectCommand({ Bucket, Key, Body, Metadata: { color: "green" }, ...HEADERS }));
    await page.sync();
    const colorOf = async () => (await fresh.send(new s3.HeadObjectCommand({ Bucket, Key }))).Metadata!["color"];
    assert.equal(await colorOf(), "blue");
    await page.sync("--ignore-times");
    assert.equal(await colorOf(), "green");
    await compare(old, fresh);
  });
});

/** The commands of the manual's page. */
interface Page {
  sync(...more: readonly string[]): Promise<unknown>;
  check(): Promise<unknown>;
}

interface Endpoint {
  readonly s3: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

/** The page's variables, with these servers in the place of its examples. */
async function readPage(endpoints: Readonly<Record<"OLD" | "NEW", Endpoint>>): Promise<Page> {
  const text = await readFile(new URL("../docs/operations/from-minio.md", import.meta.url), "utf8");
  const assignments = [...text.matchAll(/\b(RCLONE_CONFIG_\w+)=(\S+)/g)].map(
    ([, name, value]) => [name!, value!] as const,
  );
  const env: Record<string, string> = Object.fromEntries(assignments);
  for (const [name, { s3: endpoint, accessKey, secretKey }] of Object.entries(endpoints)) {
    const values = { ENDPOINT: endpoint, ACCESS_KEY_ID: accessKey, SECRET_ACCESS_KEY: secretKey };
    for (const [variable, value] of Object.entries(values)) {
      assert.ok(`RCLONE_CONFIG_${name}_${variable}` in env, `the page does not set ${variable} of ${name}`);
      env[`RCLONE_CONFIG_${name}_${variable}`] = value;
    }
  }
  const command = (verb: string) => {
    const [, line] = new RegExp(`^rclone (${verb} .*?) *#`, "m").exec(text)!;
    return (...more: readonly string[]) =>
      run("rclone", ["--config", "/dev/null", ...line!.split(" "), ...more], { env });
  };
  return { sync: command("sync"), check: command("check") };
}

function clientOf({ s3: endpoint, accessKey, secretKey }: Endpoint): s3.S3Client {
  const credentials = { accessKeyId: accessKey, secretAccessKey: secretKey };
  return new s3.S3Client({ endpoint, region: "us-east-1", forcePathStyle: true, credentials });
}

async function fill(client: s3.S3Client): Promise<void> {
  for (const Bucket of ["empty", "many", "photos"]) await client.send(new s3.CreateBucketCommand({ Bucket }));
  for (const [at, { name, bytes }] of SMALL_FILES.entries())
    await put(client, name.startsWith("many/") ? "many" : "photos", name, deterministicBytes(at, bytes));
  for (const [at, key] of UNUSUAL_KEYS.entries()) await put(client, "photos", key, deterministicBytes(at, 10 + at));
  await put(client, "photos", "marker/", deterministicBytes(1, 3));
  for (const { key, bytes } of [MULTIPART, LARGE]) await upload(client, key, deterministicBytes(3, bytes));
}

async function put(client: s3.S3Client, Bucket: string, Key: string, Body: Uint8Array): Promise<void> {
  const Metadata = { color: "blue", size: String(Body.length) };
  await client.send(new s3.PutObjectCommand({ Bucket, Key, Body, Metadata, ...HEADERS }));
}

async function upload(client: s3.S3Client, Key: string, Body: Uint8Array): Promise<void> {
  const params = { Bucket: "photos", Key, Body, Metadata: { color: "red" }, ...HEADERS };
  await new Upload({ client, params, partSize: PART_BYTES }).done();
}

/** Each object of the old side is on the new one with the same bytes, headers and metadata, and nothing else is. */
async function compare(old: s3.S3Client, fresh: s3.S3Client): Promise<void> {
  for (const bucket of await bucketsOf(old)) {
    const keys = (await keysOf(old, bucket)).filter((key) => !key.endsWith("/"));
    assert.deepEqual((await keysOf(fresh, bucket)).sort(), keys.sort());
    for (const key of keys) assert.deepEqual(await portrait(fresh, bucket, key), await portrait(old, bucket, key), key);
  }
}

async function portrait(client: s3.S3Client, Bucket: string, Key: string): Promise<object> {
  const got = await client.send(new s3.GetObjectCommand({ Bucket, Key }));
  const { mtime: _, btime: __, ...metadata } = got.Metadata!;
  const headers = Object.keys(HEADERS).map((name) => got[name as keyof typeof HEADERS]);
  return { hash: sha256(await got.Body!.transformToByteArray()), metadata, headers };
}

async function head(client: s3.S3Client, Key: string): Promise<s3.HeadObjectCommandOutput> {
  return client.send(new s3.HeadObjectCommand({ Bucket: "photos", Key }));
}

async function bucketsOf(client: s3.S3Client): Promise<string[]> {
  const { Buckets = [] } = await client.send(new s3.ListBucketsCommand());
  return Buckets.map(({ Name }) => Name!).sort();
}

async function list(client: s3.S3Client, Bucket: string): Promise<s3._Object[]> {
  const objects: s3._Object[] = [];
  for await (const page of s3.paginateListObjectsV2({ client }, { Bucket })) objects.push(...(page.Contents ?? []));
  return objects;
}

async function keysOf(client: s3.S3Client, bucket: string): Promise<string[]> {
  return (await list(client, bucket)).map(({ Key }) => Key!);
}
