import type { Operation, ResultOf } from "../../gateway/api/index.ts";
import { formatBytes, formatDuration } from "../../std/quantities.ts";
import { type Command, serverCommand } from "../command.ts";
import { pairs, table } from "../output.ts";

/** Of `status` where the server is unhealthy: scripts can tell without reading. */
const EXIT_UNHEALTHY = 1;

export const STATUS_COMMANDS: readonly Command[] = [
  serverCommand({
    words: "status",
    summary: "Shows how a server is",
    notes: ["Exits with 1 where it is unhealthy, as well as where it can not be reached."],
    async run({ server, output }) {
      const client = await server.client();
      const status = await client.call("GET /v1/status", {});
      output.result(status, () => {
        const { counts, capacity, rates, faults } = status;
        const used = `${formatBytes(capacity.volumeBytes)} in volumes, ${formatBytes(capacity.garbageBytes)} of it garbage`;
        const space = `${formatBytes(capacity.freeBytes)} of ${formatBytes(capacity.totalBytes)} free, ${used}`;
        const { requestsPerSecond, p50Millis, p99Millis } = rates;
        const load = `${requestsPerSecond.toFixed(1)}/s, half within ${millis(p50Millis)}, 99 % within ${millis(p99Millis)}`;
        const rows = pairs([
          ["Health", status.health],
          ["Version", `${status.version}, up ${formatDuration(status.uptimeMillis)}`],
          ...clusterRow(status.cluster),
          ...Object.entries(status.endpoints).map(([name, url]) => [`Endpoint ${name}`, url] as const),
          ["Buckets", counts.buckets],
          ["Users", counts.users],
          ["Volumes", counts.volumes],
          ["Space", space],
          ["Requests", load],
        ]);
        const shown = faults.map((fault) => [fault.severity, fault.object, fault.what, fault.command]);
        const list = faults.length === 0 ? [] : ["", ...table(["SEVERITY", "OBJECT", "FAULT", "COMMAND"], shown)];
        return [status.sentence, "", ...rows, ...list];
      });
      return status.health === "unhealthy" ? EXIT_UNHEALTHY : 0;
    },
  }),
  serverCommand({
    words: "event ls",
    summary: "Lists what happened to a server and what operators did, the newest first",
    options: {
      limit: { type: "integer", unit: "count", default: 50, min: 1, max: 10_000, text: "How many." },
      severity: { type: "text", default: "info", text: "At least as severe: info, warning or error." },
    },
    async run({ server, output, options }) {
      const client = await server.client();
      const severity = options.severity as "info";
      const items: ResultOf<Extract<Operation, { name: "listEvents" }>>["items"][number][] = [];
      let after: string | undefined;
      do {
        const limit = Math.min(1000, options.limit - items.length);
        const page = await client.call("GET /v1/events", { query: { severity, limit, after } });
        items.push(...page.items);
        after = page.next;
      } while (after !== undefined && items.length < options.limit);
      output.result({ items }, () =>
        items.map(({ at, severity: level, actor, text }) =>
          [at, level.padEnd(7), text, ...(actor === undefined ? [] : [`(${actor})`])].join("  "),
        ),
      );
      return undefined;
    },
  }),
  serverCommand({
    words: "config show",
    summary: "Shows the options that a server runs with; secrets are masked",
    options: { changed: { type: "flag", default: false, text: "Only those that are not at their default." } },
    async run({ server, output, options }) {
      const client = await server.client();
      const all = await client.call("GET /v1/configuration", {});
      const items = all.items.filter(({ isDefault }) => !options.changed || !isDefault);
      output.result({ items }, () => {
        const rows = items.map(({ flag, value, isDefault }) => [flag, shown(value), isDefault ? "default" : "set"]);
        return table(["OPTION", "VALUE", ""], rows);
      });
      return undefined;
    },
  }),
];

function clusterRow(
  cluster: ResultOf<Extract<Operation, { name: "getStatus" }>>["cluster"],
): readonly (readonly [string, string])[] {
  if (cluster === undefined) return [];
  const { name, nodes, nodesAlive, summary } = cluster;
  return [["Cluster", `${name}: ${nodesAlive} of ${nodes} nodes answer. ${summary}`]];
}

function millis(value: number): string {
  return `${value < 10 ? value.toFixed(2) : Math.round(value)} ms`;
}

function shown(value: unknown): string {
  if (value === undefined || value === "") return "-";
  return Array.isArray(value) ? value.join(",") || "-" : String(value);
}
