import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { type ConnectionOptions, connect as secureConnect } from "node:tls";
import { decodeMessage, encodeFrame, fieldOf, ThriftFrameParser, type ThriftMessage } from "../codec/thrift/index.ts";
import { decodeId, LAYOUTS } from "../core/id/index.ts";
import { utf8 } from "../std/bytes.ts";
import { testAuthority, writeTestTls } from "../testing/certificates.ts";
import { memoryFolder, startServerProcess } from "../testing/server-process.ts";

const LIMITS = { stringBytesMax: 1_000, depthMax: 16 };
const CALL = { kind: "call", name: "get_id", isStrict: true } as const;
const AGENT = [{ id: 1, value: { type: "binary", value: utf8("e2e") } }] as const;

async function ask(url: string, count: number, tls?: ConnectionOptions): Promise<ThriftMessage[]> {
  const replies: ThriftMessage[] = [];
  const parser = new ThriftFrameParser(1_000, (frame) => replies.push(decodeMessage(frame.slice(), LIMITS)));
  const { hostname, port } = new URL(url);
  const place = { port: Number(port), host: hostname };
  const socket = tls === undefined ? connect(place) : secureConnect({ ...place, ...tls });
  for (let sequence = 0; sequence < count; sequence++) socket.write(encodeFrame({ ...CALL, sequence, body: AGENT }));
  for await (const chunk of socket) {
    parser.take(chunk);
    if (replies.length === count) break;
  }
  return replies;
}

describe("--thrift-listen", () => {
  test("gives ids that do not come again over a crash", async () => {
    const args = ["--thrift-listen", "127.0.0.1:0", "--thrift-anonymous", "--space-reserve-bytes", "64MiB"];
    await using folder = await memoryFolder("thrift");
    const dataDir = folder.path;
    await using first = await startServerProcess({ args, dataDir });
    match(first.thrift!, /^thrift:\/\/127\.0\.0\.1:\d+$/);
    const before = await ask(first.thrift!, 3_000);
    await first.kill();
    await using second = await startServerProcess({ args, dataDir });
    const behind = await ask(second.thrift!, 3_000);
    const ids = [...before, ...behind].map(({ body }) => fieldOf(body, 0, "i64")!.value);
    equal(new Set(ids).size, 6_000);
    deepEqual(
      behind.map(({ sequence }) => sequence),
      Array.from({ length: 3_000 }, (_, at) => at),
    );
    equal(decodeId(ids[0]!, LAYOUTS.twitter).worker < 1_024, true);
    equal(await second.stop(), 0);
  });

  test("speaks TLS with a certificate of its own, 1.2 too, and asks nobody for his", async () => {
    await using folder = await memoryFolder("thrift-tls");
    const { certFile, keyFile, caFile } = writeTestTls(folder.path, testAuthority("ca"), ["localhost"]);
    const tls = ["--thrift-tls-cert", certFile, "--thrift-tls-key", keyFile];
    const args = ["--thrift-listen", "127.0.0.1:0", "--thrift-anonymous", "--space-reserve-bytes", "64MiB", ...tls];
    await using server = await startServerProcess({ args, dataDir: `${folder.path}/data` });
    match(server.thrift!, /^thrifts:/);
    const trusting = { ca: readFileSync(caFile), servername: "localhost" };
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const)
      equal((await ask(server.thrift!, 10, { ...trusting, maxVersion })).length, 10);
    await rejects(ask(server.thrift!, 1, { servername: "localhost" }));
    deepEqual(await ask(server.thrift!, 1).catch(() => []), []);
  });
});
