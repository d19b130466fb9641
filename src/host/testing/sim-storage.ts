import type { SimMachine } from "../../env/sim/index.ts";
import { Log } from "../../log/index.ts";
import type { RaftLog } from "../storage/raft-log.ts";
import type { RaftEnv, RaftStorage } from "../storage/raft-storage.ts";

const SEGMENT_BYTES = 256 * 1024;

/** The log on a simulated machine's disk, in its time. The process that runs there then opens it. */
export function simStorage(machine: SimMachine, wrap: (log: Log) => RaftLog = (log) => log): RaftStorage {
  return {
    get env(): RaftEnv {
      return machine.env;
    },
    async open({ onFatal }) {
      const { env } = machine;
      const log = await Log.open(env, { options: { segmentBytes: SEGMENT_BYTES }, onFatal });
      return { log: wrap(log), disk: env.disk, [Symbol.asyncDispose]: () => log.close() };
    },
  };
}
