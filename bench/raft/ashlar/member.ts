import type { Env } from "../../../src/env/index.ts";
import { createNodeEnv } from "../../../src/env/node/index.ts";
import { type HostedGroup, RaftHost, type StateMachine, type Transport } from "../../../src/host/index.ts";
import { Log } from "../../../src/log/index.ts";
import { unsafeNoSync } from "./unsafe-no-sync.ts";

export const NODES: readonly number[] = [1, 2, 3];

export interface MemberOptions<Machine> {
  readonly nodeId: number;
  readonly folder: string;
  readonly transport: (env: Env) => Transport | Promise<Transport>;
  readonly groups: number;
  readonly noSync: boolean;
  readonly machine: () => Machine;
}

/** One of three nodes: a host with a log of its own on the disk, a member of every group. Groups count from 1. */
export interface Member<Result, Machine> extends AsyncDisposable {
  readonly nodeId: number;
  readonly groups: readonly HostedGroup<Result>[];
  readonly machines: readonly Machine[];
}

/** Resolves when all three have met. */
export async function startMember<Result, Machine extends StateMachine<Result>>(
  options: MemberOptions<Machine>,
): Promise<Member<Result, Machine>> {
  const { nodeId, noSync } = options;
  await using undo = new AsyncDisposableStack();
  const env = undo.use(await createNodeEnv({ dataDirectory: options.folder }));
  const disk = noSync ? unsafeNoSync(env.disk) : env.disk;
  const onFatal = (error: Error): never => {
    throw error;
  };
  const log = undo.use(await Log.open({ ...env, disk }, { onFatal }));
  const transport = undo.use(await options.transport(env));
  const host = undo.use(await RaftHost.start({ nodeId, env: { ...env, disk }, log, transport, onFatal }));
  const machines = Array.from({ length: options.groups }, () => options.machine());
  const groups = await Promise.all(
    machines.map((machine, at) => host.openGroup<Result>({ id: at + 1, machine, founders: { voters: [...NODES] } })),
  );
  const kept = undo.move();
  return { nodeId, groups, machines, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
