import { urlOf } from "../api/operations.ts";
import type { ClusterSummary, Fault, Sample, Status } from "../api/shapes.ts";
import { h, html, type View } from "../html.ts";
import { capacitySegments } from "../model/chart.ts";
import { lossTone } from "../model/cluster.ts";
import { formatBytes, formatCount, formatDuration, formatMillis, formatRate } from "../model/format.ts";
import type { Route } from "../model/route.ts";
import { nowMillis, refreshStatus, samples, status, statusFailure } from "../state/live.ts";
import { copyable, factList, failureBox, HEALTH_TONES, link, mark, SEVERITY_TONES, time } from "../ui/bits.ts";
import { capacityBar, sparkline } from "../ui/chart.ts";
import { Page } from "../ui/page.ts";
import { table } from "../ui/table.ts";

const HEALTH_WORDS = { healthy: "Healthy", degraded: "Degraded", unhealthy: "Unhealthy" } as const;

/** How the node is, in one sentence; then what bears it out. */
export function OverviewPage({ route }: { readonly route: Route }): View {
  const current = status.value;
  const content = html`${failureBox(statusFailure.value, refreshStatus)}
  ${current === undefined ? statusFailure.value === undefined && html`<p class="quiet">Loading</p>` : statusView(current)}`;
  return h(Page, { route, title: "Overview", json: urlOf("getStatus", {}), content });
}

function statusView(current: Status): View {
  return html`<div>
    <p class="sentence">${mark(HEALTH_TONES[current.health], HEALTH_WORDS[current.health])} <span>${current.sentence}</span></p>
    ${current.faults.length > 0 && faultList(current.faults)} ${current.cluster && clusterLine(current.cluster)}
    ${traffic(current.rates)} ${capacity(current)} ${node(current)}
  </div>`;
}

function faultList(faults: readonly Fault[]): View {
  return html`<section aria-labelledby="faults">
    <h2 id="faults">Faults</h2>
    ${table({
      caption: "Faults, the gravest first",
      rows: faults,
      keyOf: ({ object, what }) => `${object} ${what}`,
      empty: "",
      columns: [
        { title: "Severity", cell: ({ severity }) => mark(SEVERITY_TONES[severity], severity) },
        { title: "Object", head: true, cell: ({ object }) => object },
        { title: "What", cell: ({ what }) => what },
        { title: "Since", cell: ({ since }) => time(since) },
        { title: "Command", cell: ({ command }) => copyable(command, `command for ${command}`) },
      ],
    })}
  </section>`;
}

function clusterLine({ name, nodes, nodesAlive, canLose, summary }: ClusterSummary): View {
  return html`<section aria-labelledby="cluster">
    <h2 id="cluster">Cluster <span class="quiet">${name}</span></h2>
    <p>${mark(lossTone(canLose), summary)} ${link({ page: "cluster" }, `${formatCount(nodesAlive)} of ${formatCount(nodes)} nodes answer`)}</p>
  </section>`;
}

function traffic(latest: Sample): View {
  const all = samples.value;
  const bytesRate = (value: number): string => `${formatBytes(value)}/s`;
  const rate = (value: number): string => `${formatRate(value)}/s`;
  const newest = all.at(-1) ?? latest;
  const errors = newest.errorsPerSecond;
  return html`<section aria-labelledby="traffic">
    <h2 id="traffic">Traffic <span class="quiet">the last 15 minutes</span></h2>
    <div class="figures">
      ${figure(
        "Requests",
        rate(newest.requestsPerSecond),
        errors === 0 ? "no server errors" : mark("bad", `${rate(errors)} server errors`),
        sparkline({
          title: "Requests",
          samples: all,
          format: rate,
          series: [{ name: "requests", pick: (each) => each.requestsPerSecond }],
        }),
      )}
      ${figure(
        "Received",
        bytesRate(newest.receivedBytesPerSecond),
        "by the node, as writes",
        sparkline({
          title: "Received",
          samples: all,
          format: bytesRate,
          binary: true,
          series: [{ name: "received", pick: (each) => each.receivedBytesPerSecond }],
        }),
      )}
      ${figure(
        "Sent",
        bytesRate(newest.sentBytesPerSecond),
        "to clients, as reads",
        sparkline({
          title: "Sent",
          samples: all,
          format: bytesRate,
          binary: true,
          series: [{ name: "sent", pick: (each) => each.sentBytesPerSecond }],
        }),
      )}
      ${figure(
        "Latency",
        formatMillis(newest.p50Millis),
        `median; p99 ${formatMillis(newest.p99Millis)} (dashed)`,
        sparkline({
          title: "Latency",
          samples: all,
          format: formatMillis,
          series: [
            { name: "p50", pick: (each) => each.p50Millis },
            { name: "p99", pick: (each) => each.p99Millis },
          ],
        }),
      )}
    </div>
  </section>`;
}

function figure(name: string, value: string, note: View | string, chart: View): View {
  return html`<div class="figure">
    <h3>${name}</h3>
    <p class="value">${value}</p>
    <p class="note">${note}</p>
    ${chart}
  </div>`;
}

function capacity({ capacity: disk }: Status): View {
  return html`<section aria-labelledby="capacity">
    <h2 id="capacity">Disk <span class="quiet">${formatBytes(disk.totalBytes)} in all</span></h2>
    ${capacityBar(capacitySegments(disk))}
    ${
      disk.garbageBytes > 0 &&
      html`<p class="quiet">${formatBytes(disk.garbageBytes)} of the volumes was deleted; compaction gives it back.</p>`
    }
  </section>`;
}

function node({ version, node: id, startedAt, uptimeMillis, at, endpoints, counts }: Status): View {
  const uptime = uptimeMillis + Math.max(0, nowMillis.value - Date.parse(at));
  const section = (route: Route, count: number): View => link(route, formatCount(count));
  return html`<section aria-labelledby="node">
    <h2 id="node">Node</h2>
    ${factList([
      { name: "Version", value: version },
      { name: "Node id", value: html`<code>${id}</code>` },
      { name: "Up", value: html`${formatDuration(uptime)}, since ${time(startedAt)}` },
      { name: "Buckets", value: section({ page: "buckets" }, counts.buckets) },
      { name: "Users", value: section({ page: "users" }, counts.users) },
      { name: "Policies", value: section({ page: "policies" }, counts.policies) },
      { name: "Volumes", value: formatCount(counts.volumes) },
      ...Object.entries(endpoints).map(([name, url]) => ({
        name: `Address (${name})`,
        value: copyable(url, `address of ${name}`),
      })),
    ])}
  </section>`;
}
