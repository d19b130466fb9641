// A server that is measured: started for the run, on free ports, with a folder of its own.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface PeerKind {
  readonly name: string;
  /** Rejects with NotRun where it can not be had on this machine. */
  readonly start: (folder: string) => Promise<StartedPeer>;
}

export interface StartedPeer {
  readonly version: string;
  /** What a success means when the power goes. */
  readonly durability: string;
  readonly host: string;
  readonly port: number;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly process: ChildProcess;
}

export interface RunningPeer extends StartedPeer, AsyncDisposable {
  readonly name: string;
  readonly pid: number;
}

export class NotRun extends Error {}

const READY_MILLIS_MAX = 60_000;
const POLL_MILLIS = 100;

export async function startPeer(kind: PeerKind): Promise<RunningPeer> {
  const folder = await mkdtemp(join(tmpdir(), `bench-${kind.name.toLowerCase()}-`));
  await using undo = new AsyncDisposableStack();
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const started = await kind.start(folder);
  const end = async (): Promise<void> => {
    if (started.process.exitCode !== null || started.process.signalCode !== null) return;
    const gone = once(started.process, "exit");
    started.process.kill("SIGKILL");
    await gone;
  };
  undo.defer(end);
  const kept = undo.move();
  return { ...started, name: kind.name, pid: started.process.pid!, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Its output goes nowhere: a pipe that nobody reads would stop it. */
export function launch(command: string, args: readonly string[], folder: string): ChildProcess {
  return spawn(command, args, { cwd: folder, stdio: "ignore" });
}

/** Any answer will do: it listens and speaks HTTP. */
export async function answers(url: string, process: ChildProcess): Promise<void> {
  const until = performance.now() + READY_MILLIS_MAX;
  while (performance.now() < until) {
    if (process.exitCode !== null) throw new NotRun(`it ended at its start with code ${process.exitCode}`);
    if (
      await fetch(url).then(
        (answer) => answer.arrayBuffer().then(() => true),
        () => false,
      )
    )
      return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));
  }
  throw new NotRun("it did not answer within a minute of its start");
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
