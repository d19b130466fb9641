import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { startServerProcess } from "../testing/server-process.ts";
import { apiCall } from "./testing/cluster-status.ts";

// What Leaf's users have in their scripts, against the real process. MariaDB with Leaf's own table: leaf-table.e2e.ts.

const run = promisify(execFile);
const ANONYMOUS = ["--leaf-listen", "127.0.0.1:0", "--leaf-anonymous"];

async function curl(...args: readonly string[]): Promise<{ status: number; type: string; body: string }> {
  const { stdout } = await run("curl", ["-sS", "--max-time", "20", "-w", "\n%{http_code} %{content_type}", ...args]);
  const end = stdout.lastIndexOf("\n");
  const [status, type = ""] = stdout.slice(end + 1).split(" ", 2);
  return { status: Number(status), type, body: stdout.slice(0, end) };
}

describe("curl to --leaf-listen", () => {
  test("gets what it gets from Leaf", async () => {
    await using server = await startServerProcess({ args: ["--memory", ...ANONYMOUS], env: ROOT });
    const { leaf } = server;
    assert.match(leaf!, /^http:\/\/127\.0\.0\.1:\d+$/);
    await apiCall(server, "PUT", "/v1/ids/tags/leaf-segment-test", { step: 2000 });
    const segment = `${leaf}/api/segment/get/leaf-segment-test`;
    assert.deepEqual(await curl(segment), { status: 200, type: "text/plain;charset=UTF-8", body: "1" });
    assert.equal((await curl("-X", "POST", "-d", "x=1", segment)).body, "2");
    assert.equal((await curl("-X", "DELETE", segment)).body, "3");
    assert.equal((await curl(`${segment}?size=3`)).body, "4\n5\n6");
    assert.deepEqual(JSON.parse((await curl(`${segment}?size=2&format=json`)).body), { ids: ["7", "8"] });

    const id = (await curl(`${leaf}/api/snowflake/get/test`)).body;
    assert.match(id, /^\d{19}$/);
    const decoded = JSON.parse((await curl(`${leaf}/decodeSnowflakeId?snowflakeId=${id}`)).body);
    assert.deepEqual(Object.keys(decoded), ["timestamp", "sequenceId", "workerId"]);
    assert.match(decoded.timestamp, /^\d{13}\(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\)$/);

    const { status, type, body } = await curl(`${leaf}/api/segment/get/none`);
    assert.deepEqual([status, type], [500, "application/json;charset=UTF-8"]);
    const { timestamp, ...failure } = JSON.parse(body);
    assert.equal(typeof timestamp, "number");
    assert.deepEqual(failure, {
      status: 500,
      error: "Internal Server Error",
      exception: "com.sankuai.inf.leaf.server.exception.LeafServerException",
      message: "Result{id=-2, status=EXCEPTION}",
      path: "/api/segment/get/none",
    });
    assert.match((await curl(`${leaf}/cache`)).body, /<td>leaf-segment-test<\/td><td>true<\/td>/);
    assert.match((await curl(`${leaf}/db`)).body, /<td>leaf-segment-test<\/td><td>\d+<\/td><td>2000<\/td>/);
    assert.equal(await server.stop(), 0);
  });

  test("without --leaf-anonymous gets ids for a credential only, and no listener without --leaf-listen", async () => {
    await using server = await startServerProcess({ args: ["--memory", "--leaf-listen", "127.0.0.1:0"], env: ROOT });
    const { leaf, accessKey, secretKey } = server;
    const snowflake = `${leaf}/api/snowflake/get/test`;
    assert.equal((await curl(snowflake)).status, 401);
    assert.match((await curl("-u", `${accessKey}:${secretKey}`, snowflake)).body, /^\d{19}$/);
    await using other = await startServerProcess({ args: ["--memory"], env: ROOT });
    assert.equal(other.leaf, undefined);
  });
});

const ROOT = { ASHLAR_ROOT_ACCESS_KEY: "leaf-root-key", ASHLAR_ROOT_SECRET_KEY: "leaf-root-secret" };
