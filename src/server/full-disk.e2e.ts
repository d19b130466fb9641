import assert from "node:assert/strict";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { S3TestClient } from "../testing/s3-client.ts";
import { type ServerProcess, startServerProcess } from "../testing/server-process.ts";
import { SmallDisk } from "../testing/small-disk.ts";

// A small file system of its own is filled up beside a running server. Nothing below depends on how fast anything is: what takes a
// moment (the server looks at the disk once a second) is asked for until it is so.

const MIB = 1_048_576;
const ARGS = ["--space-reserve-bytes", "64MiB", "--segment-bytes", "8MiB", "--volume-bytes", "32MiB"];
const OBJECTS = 40;

const keyOf = (at: number): string => `/docs/key-${at}`;

class Client {
  readonly #server: ServerProcess;
  readonly #client: S3TestClient;

  constructor(server: ServerProcess) {
    this.#server = server;
    this.#client = new S3TestClient(server.s3, server);
  }

  async call(method: string, target: string, body?: Uint8Array): Promise<{ status: number; text: string }> {
    const answer = await this.#client.call({ method, target, ...(body && { body }) });
    return { status: answer.status, text: new TextDecoder().decode(answer.body) };
  }

  async expect(status: number, method: string, target: string, body?: Uint8Array): Promise<string> {
    const answer = await this.call(method, target, body);
    assert.equal(answer.status, status, `${method} ${target}: ${answer.text.slice(0, 300)}\n${this.#server.log()}`);
    return answer.text;
  }

  async until(status: number, method: string, target: string, body?: Uint8Array): Promise<void> {
    for (let tries = 0; tries < 300; tries++) {
      if ((await this.call(method, target, body)).status === status) return;
      await sleep(100);
    }
    await this.expect(status, method, target, body);
  }
}

async function fillWithObjects(client: Client): Promise<void> {
  await client.expect(200, "PUT", "/docs");
  for (let at = 0; at < OBJECTS; at++) await client.expect(200, "PUT", keyOf(at), new Uint8Array(3000).fill(at));
}

describe("a disk that another program fills up", () => {
  test("at the reserve refuses all that adds something; reads, deletes and a restart go on", async (t) => {
    await using disk = await SmallDisk.mountOrSkip(t, 400);
    if (disk === undefined) return;
    const data = { dataDir: join(disk.path, "data"), args: ARGS };
    {
      await using server = await startServerProcess(data);
      const client = new Client(server);
      await fillWithObjects(client);
      await disk.fill(50 * MIB);
      await client.until(507, "PUT", "/docs/small", new Uint8Array(6));
      assert.match(await client.expect(507, "PUT", "/docs/large", new Uint8Array(MIB)), /StorageFull/);
      assert.match(await client.expect(507, "PUT", "/more"), /StorageFull/);
      await client.expect(200, "GET", keyOf(1));
      await client.expect(204, "DELETE", keyOf(1));
      assert.equal(await server.stop(), 0);
    }
    await using server = await startServerProcess(data);
    const client = new Client(server);
    await client.expect(404, "GET", keyOf(1));
    await client.expect(507, "PUT", "/docs/small", new Uint8Array(6));
    await disk.free();
    await client.until(200, "PUT", "/docs/small", new Uint8Array(6));
  });

  for (const how of ["kill", "stop"] as const) {
    test(`to its last byte leaves a server that reads, deletes and starts again after a ${how}`, async (t) => {
      await using disk = await SmallDisk.mountOrSkip(t, 400);
      if (disk === undefined) return;
      const data = { dataDir: join(disk.path, "data"), args: ARGS };
      {
        await using server = await startServerProcess(data);
        const client = new Client(server);
        await fillWithObjects(client);
        while (!(await hasBallast(disk))) await sleep(100);
        await disk.fill(0);
        for (let at = 0; at < 20; at++) await client.call("PUT", keyOf(OBJECTS + at), new Uint8Array(3000));
        await client.until(507, "PUT", "/docs/small", new Uint8Array(3000));
        await client.expect(200, "GET", keyOf(2));
        for (let at = 1; at < OBJECTS / 2; at++) await client.until(204, "DELETE", keyOf(at));
        assert.equal(server.process.exitCode, null, server.log());
        if (how === "kill") await server.kill();
        else assert.equal(await server.stop(), 0, server.log());
      }
      await using server = await startServerProcess(data);
      const client = new Client(server);
      await client.expect(404, "GET", keyOf(2));
      await client.expect(200, "GET", keyOf(OBJECTS - 1));
      await client.until(204, "DELETE", keyOf(OBJECTS - 1));
      await client.expect(507, "PUT", "/docs/small", new Uint8Array(6));
      await disk.free();
      await client.until(200, "PUT", "/docs/small", new Uint8Array(6));
    });
  }

  test("while the server is down does not keep it from starting", async (t) => {
    await using disk = await SmallDisk.mountOrSkip(t, 400);
    if (disk === undefined) return;
    const data = { dataDir: join(disk.path, "data"), args: ARGS };
    {
      await using server = await startServerProcess(data);
      await fillWithObjects(new Client(server));
      while (!(await hasBallast(disk))) await sleep(100);
    }
    await disk.fill(0);
    await using server = await startServerProcess(data);
    const client = new Client(server);
    await client.expect(200, "GET", keyOf(2));
    await client.until(204, "DELETE", keyOf(2));
    await client.expect(507, "PUT", "/docs/small", new Uint8Array(6));
  });
});

/** Whole: the server has laid it in. */
async function hasBallast(disk: SmallDisk): Promise<boolean> {
  try {
    const file = await open(join(disk.path, "data", "ballast"), "r");
    const { size } = await file.stat();
    await file.close();
    return size === 32 * MIB;
  } catch {
    return false;
  }
}
