import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type ServerProcess, startServerProcess, temporaryFolder } from "../src/testing/server-process.ts";
import { hashTree, makeFiles, run } from "./client.ts";

// Each command line client puts a folder of small files and one of 200 MB, lists it, reads it back byte for byte and deletes it.

describe("command line clients", () => {
  let server: ServerProcess;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let files: string;
  let expected: Map<string, string>;
  let environment: NodeJS.ProcessEnv;

  before(async () => {
    server = await startServerProcess();
    folder = await temporaryFolder("clients");
    files = join(folder.path, "files");
    await mkdir(files);
    await makeFiles(files);
    expected = await hashTree(files);
    environment = {
      HOME: folder.path,
      AWS_ACCESS_KEY_ID: server.accessKey,
      AWS_SECRET_ACCESS_KEY: server.secretKey,
      AWS_DEFAULT_REGION: "us-east-1",
      AWS_EC2_METADATA_DISABLED: "true",
    };
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  test("awscli", async () => {
    const aws = (...args: string[]) =>
      run("/usr/bin/aws", ["--endpoint-url", server.s3, ...args], { env: environment });
    await aws("s3", "mb", "s3://aws-cli");
    await aws("s3", "sync", "--only-show-errors", files, "s3://aws-cli/prefix/");
    const listing = await aws("s3", "ls", "--recursive", "s3://aws-cli/prefix/");
    assert.equal(listing.trim().split("\n").length, expected.size);
    const back = join(folder.path, "aws-back");
    await aws("s3", "sync", "--only-show-errors", "s3://aws-cli/prefix/", back);
    assert.deepEqual(await hashTree(back), expected);
    const metadata = ["--metadata", "color=blue,size=xl", "--content-type", "text/x-test"];
    await aws("s3api", "put-object", "--bucket", "aws-cli", "--key", "meta", "--body", join(files, "one"), ...metadata);
    const head = JSON.parse(await aws("s3api", "head-object", "--bucket", "aws-cli", "--key", "meta"));
    assert.deepEqual(head.Metadata, { color: "blue", size: "xl" });
    assert.equal(head.ContentType, "text/x-test");
    const link = (await aws("s3", "presign", "s3://aws-cli/meta")).trim();
    assert.equal((await fetch(link)).status, 200);
    await aws("s3", "rm", "--recursive", "--only-show-errors", "s3://aws-cli/");
    await aws("s3", "rb", "s3://aws-cli");
  });

  test("s3cmd", async () => {
    const config = join(folder.path, "s3cfg");
    const host = new URL(server.s3).host;
    const lines = [`access_key = ${server.accessKey}`, `secret_key = ${server.secretKey}`, `host_base = ${host}`];
    lines.push(`host_bucket = ${host}`, "use_https = False", "signature_v2 = False", "guess_mime_type = False");
    await writeFile(config, `[default]\n${lines.join("\n")}\n`);
    const s3cmd = (...args: string[]) => run("s3cmd", ["-c", config, "--no-progress", ...args], { env: environment });
    await s3cmd("mb", "s3://s3cmd-bucket");
    await s3cmd("put", "--recursive", `${files}/`, "s3://s3cmd-bucket/prefix/");
    assert.equal((await s3cmd("ls", "--recursive", "s3://s3cmd-bucket/")).trim().split("\n").length, expected.size);
    const back = join(folder.path, "s3cmd-back");
    await mkdir(back);
    await s3cmd("get", "--recursive", "s3://s3cmd-bucket/prefix/", `${back}/`);
    assert.deepEqual(await hashTree(back), expected);
    const info = await s3cmd("info", "s3://s3cmd-bucket/prefix/large");
    assert.match(info, /File size: +209715200/);
    const link = (await s3cmd("signurl", "s3://s3cmd-bucket/prefix/one", "+60")).trim();
    assert.match(link, /^http/);
    await s3cmd("del", "--recursive", "--force", "s3://s3cmd-bucket/");
    await s3cmd("rb", "s3://s3cmd-bucket");
  });

  test("rclone copies, checks and deletes", async () => {
    const remote = `:s3,provider=Other,endpoint="${server.s3}",access_key_id=${server.accessKey},secret_access_key=${server.secretKey}:`;
    const rclone = (...args: string[]) => run("rclone", ["--config", "/dev/null", ...args], { env: environment });
    await rclone("mkdir", `${remote}rclone-bucket`);
    await rclone("copy", files, `${remote}rclone-bucket/prefix`);
    await rclone("check", "--download", files, `${remote}rclone-bucket/prefix`);
    assert.equal(
      (await rclone("lsf", "-R", "--files-only", `${remote}rclone-bucket`)).trim().split("\n").length,
      expected.size,
    );
    const back = join(folder.path, "rclone-back");
    await rclone("copy", `${remote}rclone-bucket/prefix`, back);
    assert.deepEqual(await hashTree(back), expected);
    await rclone("purge", `${remote}rclone-bucket`);
  });

  test("restic backs up, checks and restores", async () => {
    const env = { ...environment, RESTIC_PASSWORD: "secret", RESTIC_REPOSITORY: `s3:${server.s3}/restic-bucket` };
    const restic = (...args: string[]) => run("restic", ["--no-cache", ...args], { env });
    await restic("init");
    await restic("backup", files);
    await writeFile(join(files, "one"), "changed");
    await restic("backup", files);
    await restic("check", "--read-data");
    const snapshots = JSON.parse(await restic("snapshots", "--json"));
    assert.equal(snapshots.length, 2);
    const back = join(folder.path, "restic-back");
    await restic("restore", snapshots[0].id, "--target", back);
    assert.deepEqual(await hashTree(join(back, files)), expected);
    await restic("forget", "--keep-last", "1", "--prune");
    await restic("restore", "latest", "--target", `${back}-latest`);
    assert.equal(await readFile(join(`${back}-latest`, files, "one"), "utf8"), "changed");
  });

  test("boto3", async () => {
    const python = new URL("./.venv/bin/python", import.meta.url).pathname;
    const script = new URL("./boto3_round_trip.py", import.meta.url).pathname;
    const out = await run(python, [script, server.s3, files], { env: environment });
    assert.match(out, /round trip: ok/);
  });
});
