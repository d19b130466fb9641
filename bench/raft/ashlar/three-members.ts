import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { nodeTimers } from "../../../src/env/node/index.ts";
import { type HostedGroup, MemoryNetwork, type StateMachine } from "../../../src/host/index.ts";
import { type Member, NODES, startMember } from "./member.ts";

const ELECTION_MILLIS_MAX = 60_000;

export interface ThreeMembers<Result, Machine> extends AsyncDisposable {
  readonly members: readonly Member<Result, Machine>[];
  /** Of every group, on the node that leads it. */
  readonly leaders: readonly HostedGroup<Result>[];
}

/** In this process, with frames handed over in memory and a folder each. */
export async function startThreeMembers<Result, Machine extends StateMachine<Result>>(options: {
  readonly folder: string;
  readonly groups: number;
  readonly noSync: boolean;
  readonly machine: () => Machine;
}): Promise<ThreeMembers<Result, Machine>> {
  await using undo = new AsyncDisposableStack();
  const network = new MemoryNetwork(nodeTimers);
  const members = await Promise.all(
    NODES.map((nodeId) =>
      startMember<Result, Machine>({
        ...options,
        nodeId,
        folder: join(options.folder, `node-${nodeId}`),
        transport: () => network.join(nodeId),
      }),
    ),
  );
  for (const member of members) undo.use(member);
  const leaders = await Promise.all(Array.from({ length: options.groups }, (_, at) => leaderOf(members, at)));
  const kept = undo.move();
  return { members, leaders, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function leaderOf<Result>(members: readonly Member<Result, unknown>[], at: number): Promise<HostedGroup<Result>> {
  for (const latest = performance.now() + ELECTION_MILLIS_MAX; ; await sleep(10)) {
    const leader = members.map(({ groups }) => groups[at]!).find(({ isLeader }) => isLeader);
    if (leader !== undefined) return leader;
    if (performance.now() > latest) throw new Error(`group ${at + 1} has no leader`);
  }
}
