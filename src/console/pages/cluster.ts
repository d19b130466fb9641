import { urlOf } from "../api/operations.ts";
import type { Cluster, ClusterNode, Ranges } from "../api/shapes.ts";
import { h, html, type View } from "../html.ts";
import { isAlone, lossTone, nodeMark, nodesInOrder } from "../model/cluster.ts";
import { formatBytes, formatCount } from "../model/format.ts";
import { moveLine, rangeLines } from "../model/ranges.ts";
import type { Route } from "../model/route.ts";
import { freshMillis, refreshStatus, status, statusFailure } from "../state/live.ts";
import { client } from "../state/session.ts";
import { copyable, factList, failureBox, mark, time } from "../ui/bits.ts";
import { useLoad } from "../ui/load.ts";
import { Page } from "../ui/page.ts";
import { table } from "../ui/table.ts";

/** How many more nodes may fail, which there are, and which of them serve which keys. */
export function ClusterPage({ route }: { readonly route: Route }): View {
  const current = status.value;
  const content =
    current === undefined
      ? html`${failureBox(statusFailure.value, refreshStatus)} <p class="quiet">Loading</p>`
      : isAlone(current)
        ? alone()
        : h(Nodes, {});
  return h(Page, { route, title: "Cluster", json: urlOf("getCluster", {}), content });
}

/** As fresh as the status. */
function Nodes(): View {
  const load = (signal: AbortSignal): Promise<Cluster> => client.call("getCluster", { signal });
  const { value, failure, loading, reload } = useLoad("cluster", load, freshMillis.value);
  return html`<div>
    ${failureBox(failure, reload)}
    ${value === undefined ? loading && html`<p class="quiet">Loading</p>` : clusterView(value)}
    ${value !== undefined && h(KeyRanges, { leader: value.leader })}
  </div>`;
}

function KeyRanges({ leader }: { readonly leader: number | undefined }): View {
  const load = (signal: AbortSignal): Promise<Ranges> => client.call("getRanges", { signal });
  const { value, failure, reload } = useLoad("ranges", load, freshMillis.value);
  return html`<section>
    <h2>Ranges</h2>
    ${failureBox(failure, reload)}
    ${value && rangesView(value, leader)}
  </section>`;
}

function rangesView(ranges: Ranges, leader: number | undefined): View {
  return html`<div>
    ${ranges.transfers.map((transfer) => html`<p key=${transfer.id}>${mark("warning", moveLine(transfer))}</p>`)}
    ${table({
      caption: "Ranges of keys",
      rows: rangeLines(ranges, leader),
      keyOf: ({ from }) => from,
      empty: "",
      columns: [
        { title: "From", head: true, cell: ({ from }) => html`<code>${from}</code>` },
        { title: "To", cell: ({ to }) => html`<code>${to}</code>` },
        { title: "Group", numeric: true, cell: ({ group }) => group },
        { title: "Nodes", cell: ({ nodes }) => nodes },
        { title: "Leader", cell: ({ leader: leads }) => leads },
        { title: "Size", numeric: true, cell: ({ size }) => size },
        { title: "Commits/s", numeric: true, cell: ({ load }) => load },
      ],
    })}
  </div>`;
}

function alone(): View {
  return html`<p>This node is alone: what it holds is on one machine. To make it the first of a cluster, stop it, then
    ${copyable("ashlar cluster init --data-dir ./data", "command that begins a cluster")}</p>`;
}

function clusterView({ name, id, self, canLose, summary, nodes, data }: Cluster): View {
  return html`<div>
    <p class="sentence">${mark(lossTone(canLose), summary)}</p>
    ${table({
      caption: "Nodes of the cluster",
      rows: nodesInOrder(nodes),
      keyOf: (node) => String(node.id),
      empty: "",
      columns: [
        { title: "Node", head: true, cell: (node) => `${node.id}${node.id === self ? " (this one)" : ""}` },
        { title: "State", cell: state },
        { title: "Role", cell: ({ role }) => (role === "none" ? "" : role) },
        { title: "Zone", cell: ({ zone }) => zone },
        { title: "Behind", cell: behind },
        { title: "Address", cell: ({ peer }) => html`<code>${peer}</code>` },
        { title: "Joined", cell: ({ joinedAt }) => time(joinedAt) },
        { title: "Certificate until", cell: ({ certificateEndsAt }) => certificateEndsAt && time(certificateEndsAt) },
      ],
    })}
    ${factList([
      ...(data === undefined ? [] : [{ name: "Copies", value: copies(data) }]),
      { name: "Name", value: name },
      { name: "Cluster id", value: html`<code>${id}</code>` },
      { name: "Let another node join", value: copyable("ashlar cluster token", "command for a join token") },
      { name: "Take a node out", value: copyable("ashlar cluster drain NODE", "command that drains a node") },
    ])}
  </div>`;
}

function state(node: ClusterNode): View {
  const { tone, word } = nodeMark(node);
  return mark(tone, word);
}

/** Whether every volume has its copies, and how far the healing is. */
function copies({
  volumes,
  volumesAtRisk,
  volumesUnreadable,
  missingBytes,
  healing,
}: NonNullable<Cluster["data"]>): View {
  if (volumesAtRisk === 0) return mark("good", `all of ${formatCount(volumes)} volumes`);
  const tone = volumesUnreadable > 0 ? "bad" : "warning";
  const left = missingBytes === 0 ? "" : `, ${formatBytes(missingBytes)} to be copied`;
  const now = healing === undefined ? "" : `; volume ${healing.volume} goes to node ${healing.node} now`;
  return mark(tone, `${formatCount(volumesAtRisk)} of ${formatCount(volumes)} volumes have too few${left}${now}`);
}

function behind({ entriesBehind }: ClusterNode): string {
  if (entriesBehind === undefined) return "";
  return entriesBehind === 0 ? "up to date" : `${formatCount(entriesBehind)} entries`;
}
