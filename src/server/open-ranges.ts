import { CLUSTER_METHODS, type NodeRow, Ranges, type RangesSettings } from "../cluster/index.ts";
import type { Env } from "../env/index.ts";
import type { RaftHost } from "../host/index.ts";
import type { PeerTransport } from "../peer/index.ts";
import {
  type GroupCalls,
  type GroupRouter,
  RangedStore,
  RangeTable,
  type ReplicatedStore,
  ROOT_GROUP,
} from "../store/index.ts";
import { rangeEventTo } from "./events.ts";
import type { Logger } from "./logger.ts";
import type { ServerOptions } from "./options.ts";
import type { NodeBugs } from "./seeded-bugs.ts";

export interface OpenRanges {
  readonly env: Env;
  readonly host: RaftHost;
  /** The root group and its Store. */
  readonly group: RangesSettings["group"];
  readonly root: ReplicatedStore;
  readonly calls: GroupCalls;
  /** Part of the root group's Store already; it begins here. */
  readonly router: GroupRouter;
  readonly transport: PeerTransport;
  readonly nodes: () => readonly NodeRow[];
  readonly options: Pick<ServerOptions, "rangeBytesMax" | "transferBytesPerSecond">;
  readonly logger: Logger;
  readonly bugs: NodeBugs;
}

/** The groups of this node's cluster beside the root one, and the Store of all of them; closed before the root group's. */
export async function openRanges(
  { env, host, group, root, calls, router, transport, nodes, options, logger, bugs }: OpenRanges,
  parts: AsyncDisposableStack,
): Promise<{ readonly ranges: Ranges; readonly store: RangedStore }> {
  const onError = (error: unknown): void => logger.error("cluster.ranges", error);
  const table = parts.use(new RangeTable({ root, timers: env.timers, onError }));
  let ranges: Ranges | undefined;
  router.begin({ table, local: (id) => (id === ROOT_GROUP ? root : ranges?.local(id)) });
  const { rangeBytesMax, transferBytesPerSecond } = options;
  ranges = parts.use(
    await Ranges.open({
      ...{ env, host, nodeId: host.nodeId, root, group, calls, router, table, transport, nodes, onError, bugs },
      ...{ viewMethod: CLUSTER_METHODS.groupView, options: { rangeBytesMax, transferBytesPerSecond } },
      onEvent: rangeEventTo(logger),
    }),
  );
  return { ranges, store: parts.use(new RangedStore({ env, root, router })) };
}
