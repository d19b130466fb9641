import type { LocalBlobs } from "../../blob/index.ts";
import type { Disk } from "../../env/index.ts";
import type { HostCounters, HostGauges } from "../../host/index.ts";
import type { LogCounters } from "../../log/index.ts";
import type { OptionTable, OptionValues } from "../../std/options.ts";
import type { ReplicatedStore } from "../../store/index.ts";

/** What the API shows of its node and does to it. The composition hands it in. */
export interface NodePort {
  readonly id: string;
  readonly version: string;
  readonly startedMillis: number;
  /** URLs by gateway: `s3`, `api`. Asked when they are needed, for a port is known only once it is listened on. */
  readonly endpoints: () => Readonly<Record<string, string>>;
  readonly disk: Disk;
  readonly log: { readonly counters: Readonly<LogCounters> };
  readonly raft: { readonly counters: Readonly<HostCounters>; gauges(): HostGauges };
  readonly store: Pick<ReplicatedStore, "counters" | "checkpoint" | "backup" | "get" | "scan">;
  readonly blobs: Pick<LocalBlobs, "counters" | "status" | "verifyVolume" | "ownerOf">;
  /** Why the node is about to stop, where it is. */
  readonly failure: () => Error | undefined;
  /** Small files at the top of the data directory that say who the node is: a backup takes them along. */
  readonly identityFiles: readonly string[];
  readonly configuration: { readonly table: OptionTable; readonly values: OptionValues<OptionTable> };
  /** Of the process, for the metrics. */
  readonly resources?: () => { readonly residentBytes: number; readonly cpuMillis: number };
}
