import { SimMachine } from "../../env/sim/index.ts";
import { Log } from "../../log/index.ts";
import type { HostedGroup } from "../hosted-group.ts";
import { RaftHost } from "../raft-host.ts";
import { Recorder } from "./recorder.ts";
import type { SimHosts } from "./sim-hosts.ts";

export interface ManyGroups {
  readonly id: number;
  readonly machine: SimMachine;
  readonly log: Log;
  readonly host: RaftHost;
  readonly groups: readonly HostedGroup<number>[];
}

/** Three hosts with the same groups on each of them. */
export async function startManyGroups(hosts: SimHosts, count: number): Promise<readonly ManyGroups[]> {
  const voters = [1, 2, 3];
  const start = async (id: number): Promise<ManyGroups> => {
    const machine = new SimMachine({ seed: id, scheduler: hosts.scheduler, label: `node ${id}` });
    const { env } = machine;
    const onFatal = (error: Error): never => {
      throw error;
    };
    const log = await Log.open(env, { options: { segmentBytes: 1024 * 1024 }, onFatal });
    const host = await RaftHost.start({ nodeId: id, env, log, transport: hosts.network.join(id), onFatal });
    const ids = Array.from({ length: count }, (_, at) => at + 1);
    const open = (group: number): Promise<HostedGroup<number>> => {
      return host.openGroup({ id: group, machine: new Recorder(), founders: { voters }, core: { quiesceTicks: 20 } });
    };
    return { id, machine, log, host, groups: await Promise.all(ids.map(open)) };
  };
  return hosts.settle(Promise.all(voters.map(start)));
}

export async function stopManyGroups(hosts: SimHosts, nodes: readonly ManyGroups[]): Promise<void> {
  const running = nodes.filter(({ machine }) => machine.isRunning);
  await hosts.settle(Promise.all(running.map(({ host }) => host[Symbol.asyncDispose]())));
  await hosts.settle(Promise.all(running.map(({ log }) => log.close())));
}
