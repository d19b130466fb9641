import { deepEqual, equal, ok } from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { NodeRandom, nodeNetwork, nodeTimers } from "../env/node/index.ts";
import { equalBytes, text, utf8 } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { testAuthority, writeTestTls } from "../testing/certificates.ts";
import { deterministicBytes } from "../testing/deterministic-bytes.ts";
import { certificateName, type PeerEvent, PeerTransport } from "./index.ts";
import type { EchoOptions } from "./testing/echo-process.ts";

const LIMITS = { silenceMillisMax: 1_500, keepAliveMillis: 100, queueBytesMax: 24 * 1024 * 1024 };
const FRAME_BYTES = 65_536;

describe("PeerTransport between processes, with mutual TLS", () => {
  test("carries frames in order, short and long", async () => {
    await using cluster = await startCluster([2, 3]);
    for (const node of [2, 3]) await cluster.connected(node);
    for (let at = 0; at < 2_000; at++)
      for (const node of [2, 3]) ok(cluster.transport.send(node, utf8(`${node} ${at}`)));
    for (let at = 0; at < 50; at++)
      for (const node of [2, 3]) ok(cluster.transport.send(node, deterministicBytes(at, FRAME_BYTES)));
    for (const node of [2, 3]) {
      const frames = await cluster.frames(node, 2_050);
      deepEqual(
        frames.slice(0, 2_000).map(text),
        Array.from({ length: 2_000 }, (_, at) => `${node} ${at}`),
      );
      frames.slice(2_000).forEach((frame, at) => {
        ok(equalBytes(frame, deterministicBytes(at, FRAME_BYTES)));
      });
    }
    equal(cluster.transport.counts.losses, 0);
  });

  test("a process that is stopped fills its queue, falls silent, and is there again when it goes on", async () => {
    await using cluster = await startCluster([2]);
    await cluster.connected(2);
    const child = cluster.child(2);
    child.kill("SIGSTOP");
    const frame = deterministicBytes(1, FRAME_BYTES);
    while (cluster.transport.send(2, frame)) {
      ok(cluster.transport.status()[0]!.queuedBytes <= LIMITS.queueBytesMax);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await cluster.until(() => cluster.unreachable.includes(2));
    await cluster.until(() => cluster.events.some((one) => one.kind === "lost" && hasCode(one.error, "PEER_SILENT")));
    child.kill("SIGCONT");
    await cluster.connected(2);
    const before = cluster.received.length;
    ok(cluster.transport.send(2, utf8("again")));
    await cluster.until(() => cluster.received.slice(before).some((one) => one.frame.length === 5));
  });

  test("a process that is killed is unreachable, and is found again at its address when it starts", async () => {
    await using cluster = await startCluster([2]);
    await cluster.connected(2);
    const port = cluster.portOf(2);
    cluster.child(2).kill("SIGKILL");
    await cluster.until(() => cluster.unreachable.includes(2));
    equal(cluster.transport.send(2, utf8("?")), false);
    await cluster.start(2, port);
    await cluster.connected(2);
    ok(cluster.transport.send(2, utf8("back")));
    await cluster.until(() => cluster.received.some((one) => text(one.frame) === "back"));
  });

  test("a process with another node's certificate, or of a foreign authority, is refused", async () => {
    await using cluster = await startCluster([]);
    await cluster.start(2, 0, certificateName(7));
    await cluster.until(() => cluster.events.some((one) => one.kind === "refused" && one.reason === "certificate"));
    await cluster.until(() => cluster.events.some((one) => one.kind === "failed" && hasCode(one.error, "TLS_REFUSED")));
    await cluster.start(3, 0, certificateName(3), "foreign");
    await cluster.until(() =>
      cluster.events.some((one) => one.kind === "stranger" && hasCode(one.error, "TLS_REFUSED")),
    );
    equal(cluster.transport.counts.connects + cluster.transport.counts.accepts, 0);
  });
});

interface Cluster extends AsyncDisposable {
  readonly transport: PeerTransport;
  readonly received: { readonly from: number; readonly frame: Uint8Array }[];
  readonly unreachable: number[];
  readonly events: PeerEvent[];
  child(node: number): ChildProcess;
  portOf(node: number): number;
  start(node: number, port: number, name?: string, authority?: string): Promise<void>;
  /** Until the node has connected once more and we to it. */
  connected(node: number): Promise<void>;
  /** The first frames that came from it. */
  frames(node: number, count: number): Promise<Uint8Array[]>;
  until(condition: () => boolean): Promise<void>;
}

/** This process is node 1, the others are children. */
async function startCluster(nodes: readonly number[]): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), "ashlar-peer-"));
  const authorities = new Map(["ca", "foreign"].map((name) => [name, testAuthority(name)]));
  const children = new Map<number, { readonly process: ChildProcess; readonly port: number }>();
  const all: ChildProcess[] = [];
  const received: Cluster["received"] = [];
  const unreachable: number[] = [];
  const events: PeerEvent[] = [];
  let changed = Promise.withResolvers<void>();
  const change = (): void => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const transport = await PeerTransport.listen({
    env: { network: nodeNetwork, timers: nodeTimers, random: new NodeRandom() },
    nodeId: 1,
    cluster: "e2e",
    listen: { host: "127.0.0.1", port: 0 },
    tls: writeTestTls(folder, authorities.get("ca")!, [certificateName(1)]),
    limits: LIMITS,
    event: (event) => {
      events.push(event);
      change();
    },
  });
  await transport.start({
    receive: (from, frame) => {
      received.push({ from, frame });
      change();
    },
    unreachable: (node) => {
      unreachable.push(node);
      change();
    },
  });
  const cluster: Cluster = {
    transport,
    received,
    unreachable,
    events,
    child: (node) => children.get(node)!.process,
    portOf: (node) => children.get(node)!.port,
    async start(node, port, name = certificateName(node), authority = "ca") {
      const tls = writeTestTls(folder, authorities.get(authority)!, [name]);
      const peers: EchoOptions["peers"] = [[1, { host: "127.0.0.1", port: transport.port }]];
      const options: EchoOptions = { nodeId: node, port, peers, tls, limits: LIMITS };
      const file = join(import.meta.dirname, "testing", "echo-process.ts");
      const process_ = spawn(process.execPath, [file, JSON.stringify(options)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      all.push(process_);
      const [line] = (await once(process_.stdout, "data")) as [Buffer];
      children.set(node, { process: process_, port: Number(String(line)) });
      transport.setPeers(new Map([...children].map(([id, child]) => [id, { host: "127.0.0.1", port: child.port }])));
    },
    connected: (node) => {
      return cluster.until(() => {
        const status = transport.status().find((one) => one.node === node);
        return status?.isConnected === true && status.hasConnected;
      });
    },
    async frames(node, count) {
      const own = (): Uint8Array[] => received.filter(({ from }) => from === node).map(({ frame }) => frame);
      await cluster.until(() => received.length >= count && own().length >= count);
      return own();
    },
    async until(condition) {
      while (!condition()) await changed.promise;
    },
    async [Symbol.asyncDispose]() {
      await transport[Symbol.asyncDispose]();
      const running = all.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
      const exits = running.map((child) => once(child, "exit"));
      for (const child of running) child.kill("SIGKILL");
      await Promise.all(exits);
      rmSync(folder, { recursive: true });
    },
  };
  for (const node of nodes) await cluster.start(node, 0);
  return cluster;
}
