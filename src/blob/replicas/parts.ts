import type { Clock, Disk, Timers } from "../../env/index.ts";
import type { BlobCounters, BlobEvent } from "../events.ts";
import type { FileCache } from "../file-cache.ts";
import type { Health } from "../health.ts";
import type { BlobOptions } from "../options.ts";
import type { Registry } from "../registry.ts";
import type { BlobBugs } from "../seeded-bugs.ts";
import type { SpaceKeeper } from "../space-keeper.ts";
import { Capacities } from "./capacities.ts";
import { Departures } from "./departures.ts";
import { type BlobCluster, Neighbours } from "./neighbours.ts";
import { RemoteFiles } from "./remote-files.ts";
import { Replication } from "./replication.ts";
import { VolumeService } from "./volume-service.ts";

export interface ReplicaPartsContext {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly disk: Disk;
  readonly node: string;
  readonly run: number;
  readonly registry: Registry;
  readonly files: FileCache;
  readonly space: SpaceKeeper;
  readonly health: Health;
  readonly options: BlobOptions;
  readonly counters: BlobCounters;
  readonly onEvent: (event: BlobEvent) => void;
  readonly bugs: BlobBugs;
}

/** What a node that shares its Store has beside its own volumes; nothing of it where it is alone. */
export interface ReplicaParts {
  readonly neighbours: Neighbours | undefined;
  readonly capacities: Capacities | undefined;
  readonly replication: Replication | undefined;
  readonly remote: RemoteFiles | undefined;
  readonly service: VolumeService | undefined;
  readonly departures: Departures | undefined;
  /** Resolves when no other node writes to this node's copy any more. */
  readonly letGo: (volume: number) => Promise<void>;
  /** Whether the member will never come back. */
  readonly isGone: (member: string) => boolean;
}

const ALONE: ReplicaParts = {
  ...{ neighbours: undefined, capacities: undefined, replication: undefined, remote: undefined },
  ...{ service: undefined, departures: undefined },
  letGo: async () => {},
  isGone: () => false,
};

export function replicaParts(base: ReplicaPartsContext, cluster: BlobCluster | undefined): ReplicaParts {
  if (cluster === undefined) return ALONE;
  const neighbours = new Neighbours(cluster, Number(base.node), base.timers);
  const capacities = new Capacities({ ...base, neighbours });
  const context = { ...base, neighbours, capacities };
  const letGo = (volume: number): Promise<void> => service.letGo(volume);
  const departures = new Departures({ ...context, letGo });
  const service = new VolumeService({ ...context, onCreated: (volume) => departures.expectRow(volume) });
  return {
    ...{ neighbours, capacities, departures, service, letGo },
    replication: new Replication(context),
    remote: new RemoteFiles(context),
    isGone: (member) => neighbours.isRemoved(member),
  };
}
