// Three nodes of liferaft in this process, with its store in memory and a transport that loses nothing and keeps order.
// The native store that it asks for does not build for this Node any more: bench/package.json puts the one in memory in
// its place.

import { EventEmitter, once } from "node:events";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { NotRun } from "../../not-run.ts";
import type { Replicator } from "../callers.ts";

const PACKAGE = new URL("../../node_modules/liferaft/", import.meta.url);
const MEMBERS = ["1", "2", "3"];
const ELECTION_MILLIS_MAX = 30_000;
/** No commit for so long, and none is to come. */
const QUIET_MILLIS = 1000;

interface Node extends EventEmitter {
  readonly address: string;
  join(address: string): void;
  command(command: unknown): Promise<void>;
  end(): boolean;
}
type NodeClass = new (address: string, options: object) => Node;

export async function startLiferaft(): Promise<Replicator & AsyncDisposable> {
  if (!existsSync(PACKAGE)) throw new NotRun("its npm package is not installed");
  const require = createRequire(PACKAGE);
  const Base = require("liferaft") as NodeClass;
  const nodes = new Map<string, Node>();
  class Member extends Base {
    write(packet: unknown, callback: (error: undefined, answer: unknown) => void): void {
      const answer = (packet: unknown): unknown => setImmediate(() => callback(undefined, packet));
      setImmediate(() => nodes.get(this.address)?.emit("data", packet, answer));
    }
  }
  for (const name of MEMBERS) {
    const node = new Member(name, { Log: require("liferaft/log"), adapter: require("memdown") });
    // It tells of stale votes in this way; without a listener they would end the process.
    node.on("error", () => {});
    nodes.set(name, node);
  }
  const elected = Promise.any(
    Array.from(nodes.values(), async (node) => {
      await once(node, "leader", { signal: AbortSignal.timeout(ELECTION_MILLIS_MAX) });
      return node;
    }),
  );
  for (const [name, node] of nodes) for (const other of MEMBERS) if (other !== name) node.join(other);
  const leader = await elected;
  const log: string[] = [];
  const commits = new EventEmitter();
  leader.on("commit", ({ name }: { name: string }) => {
    log.push(name);
    commits.emit(name);
  });
  return {
    version: require(fileURLToPath(new URL("package.json", PACKAGE))).version,
    log,
    propose: (name) => leader.command({ name }),
    applied: (name) => once(commits, name),
    async settle() {
      for (let seen = -1; seen !== log.length; await sleep(QUIET_MILLIS)) seen = log.length;
    },
    async [Symbol.asyncDispose]() {
      for (const node of nodes.values()) node.end();
    },
  };
}
