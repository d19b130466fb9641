import type { LocalBlobs } from "../../blob/index.ts";
import { type ClusterStatus, type Membership, type Ranges, withData } from "../../cluster/index.ts";
import type { Disk } from "../../env/index.ts";
import type { HostCounters, HostGauges } from "../../host/index.ts";
import type { LogCounters } from "../../log/index.ts";
import type { OptionTable, OptionValues } from "../../std/options.ts";
import type { ReplicatedStore } from "../../store/index.ts";

/** What an operator sees of a cluster and does to it. */
export interface ClusterPort {
  readonly members: Pick<Membership, "status" | "token" | "drain" | "resume" | "remove">;
  readonly ranges: Pick<Ranges, "status" | "split" | "merge" | "move" | "abort" | "backup">;
  /** Gives this node another key and certificate. False where nodes speak without TLS. */
  renewCertificate(): Promise<boolean>;
}

/** The cluster with its volumes; rejects as Membership.status. */
export async function statusOfCluster(
  { members }: ClusterPort,
  blobs: NodePort["blobs"],
  waitMillis = 0,
): Promise<ClusterStatus> {
  return withData(await members.status({ waitMillis }), blobs.status().safety);
}

/** What the API shows of its node and does to it. The composition hands it in. */
export interface NodePort {
  readonly id: string;
  readonly version: string;
  readonly startedMillis: number;
  /** URLs by gateway: `s3`, `api`. Asked when they are needed, for a port is known only once it is listened on. */
  readonly endpoints: () => Readonly<Record<string, string>>;
  readonly disk: Disk;
  /** Undefined, as the groups, where an engine outside keeps the Store. */
  readonly log?: { readonly counters: Readonly<LogCounters> } | undefined;
  readonly raft?: { readonly counters: Readonly<HostCounters>; gauges(): HostGauges } | undefined;
  readonly store: Pick<ReplicatedStore, "counters" | "get" | "scan"> &
    Partial<Pick<ReplicatedStore, "checkpoint" | "backup">>;
  /** The engine outside that keeps the Store, where one does. */
  readonly engine?: { readonly kind: "etcd" | "postgres" } | undefined;
  readonly blobs: Pick<LocalBlobs, "counters" | "status" | "verifyVolume" | "ownerOf">;
  /** Undefined for a node that is alone. */
  readonly cluster?: ClusterPort | undefined;
  /** Why the node is about to stop, where it is. */
  readonly failure: () => Error | undefined;
  /** Small files at the top of the data directory that say who the node is: a backup takes them along. */
  readonly identityFiles: readonly string[];
  readonly configuration: { readonly table: OptionTable; readonly values: OptionValues<OptionTable> };
  /** Of the process, for the metrics. */
  readonly resources?: () => { readonly residentBytes: number; readonly cpuMillis: number };
}
