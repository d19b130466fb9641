import type { RaftHost } from "../host/index.ts";
import { formatBytes } from "../std/quantities.ts";
import { ROOT_GROUP } from "../store/index.ts";

/** For people: what a node of a cluster waits for while it starts. */
export function whyNotReady(host: Pick<RaftHost, "explain" | "incomingSnapshot">): string {
  const incoming = host.incomingSnapshot(ROOT_GROUP);
  if (incoming !== undefined) {
    const { from, receivedBytes, totalBytes } = incoming;
    const total = totalBytes === undefined ? "" : ` of ${formatBytes(totalBytes)}`;
    return `This node takes the cluster's rows from node ${from}: ${formatBytes(receivedBytes)}${total} are here.`;
  }
  return host.explain(ROOT_GROUP)?.leader ?? "This node reads what it has.";
}
