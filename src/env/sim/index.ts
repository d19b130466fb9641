export { InlineCompute } from "./compute.ts";
export {
  OVERHEAD_BYTES,
  SIM_DATAGRAM_DEFAULTS,
  type SimDatagramCounts,
  type SimDatagramOptions,
  SimDatagrams,
} from "./datagrams.ts";
export { type DiskCopy, SimDisk } from "./disk.ts";
export type { FaultyOperation } from "./disk-device.ts";
export { SIM_DISK_DEFAULTS, type SimDiskOptions } from "./disk-options.ts";
export { createSimEnv, type MachineData, type SimEnvOptions, SimMachine } from "./env.ts";
export { SimHttp } from "./http.ts";
export type { SimReply, SimRequest } from "./http-exchange.ts";
export { SIM_INDEX_DEFAULTS, type SimIndexOptions } from "./index-options.ts";
export { type IndexesCopy, SimIndexes } from "./indexes.ts";
export { type Endpoint, LINK_DEFAULTS, type Link, type LinkFaults, SimLinks } from "./links.ts";
export { SIM_NETWORK_DEFAULTS, type SimMountOptions, SimNetwork, type SimNetworkOptions } from "./network.ts";
export { SimProcess } from "./process.ts";
export { SimRandom } from "./random.ts";
export { type EventObserver, SimScheduler } from "./scheduler.ts";
export { SIM_CLOCK_DEFAULTS, SimClock, type SimClockOptions, SimTimers } from "./time.ts";
