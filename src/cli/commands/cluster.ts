import { resolve } from "node:path";
import type { Operation, ResultOf } from "../../gateway/api/index.ts";
import type { JsonBytes } from "../../std/json-bytes.ts";
import { formatBytes } from "../../std/quantities.ts";
import { type Command, localCommand, serverCommand } from "../command.ts";
import { cliFailure } from "../errors.ts";
import { pairs, printable, table } from "../output.ts";

type Cluster = ResultOf<Extract<Operation, { name: "getCluster" }>>;

type Ranges = ResultOf<Extract<Operation, { name: "getRanges" }>>;

const DATA_DIR = { type: "text", default: "./data", text: "Folder of the node's data." } as const;
const ZONE = { type: "text", default: "", text: "Failure domain of the node, such as a rack." } as const;
const JOIN_TOKEN = {
  type: "text",
  secret: true,
  text: "What `ashlar cluster init` or `ashlar cluster token` gave.",
} as const;
const PEER_LISTEN = {
  type: "address",
  default: "127.0.0.1:9200",
  text: "Where the node will listen for the others.",
} as const;
const TTL = {
  type: "integer",
  unit: "s",
  default: 86_400,
  min: 1,
  max: 2_592_000,
  text: "How long it is good for.",
} as const;
/** Of `cluster status` where no further node may fail: scripts can tell without reading. */
const EXIT_AT_RISK = 1;

export const CLUSTER_COMMANDS: readonly Command[] = [
  localCommand({
    words: "cluster init",
    summary: "Makes a data directory the first of a new cluster",
    notes: [
      "`ashlar serve` with this directory starts the first node; others join it with the token that is printed here.",
      "The token is good for 24 hours from the first start on; `ashlar cluster token` makes others.",
      "Nodes speak TLS with certificates of the cluster's own authority, unless --plaintext says otherwise.",
    ],
    options: {
      dataDir: DATA_DIR,
      name: { type: "text", default: "ashlar", text: "Name of the cluster, for people." },
      zone: ZONE,
      plaintext: {
        type: "flag",
        default: false,
        text: "Nodes speak without TLS: something else protects their network.",
      },
    },
    environment: { dataDir: DATA_DIR },
    examples: ["ashlar cluster init --data-dir /var/lib/ashlar --name east > join-token"],
    async run({ output, options: { dataDir, name, zone, plaintext } }) {
      const { beginDataDirectory } = await import("../../server/index.ts");
      const token = await beginDataDirectory({ dataDirectory: resolve(dataDir), name, zone, tls: !plaintext });
      output.note(`The first node's data directory is ${resolve(dataDir)}. The token with which others join:`);
      output.result({ token }, () => token);
      return undefined;
    },
  }),
  localCommand({
    words: "cluster join",
    summary: "Makes an empty data directory a node's of a cluster that runs",
    notes: [
      "`ashlar serve` with this directory then starts the node. `ashlar serve --join` does both.",
      "The token comes by ASHLAR_JOIN_TOKEN, or from a file.",
    ],
    arguments: ["HOST:PORT"],
    options: {
      dataDir: DATA_DIR,
      joinToken: JOIN_TOKEN,
      peerListen: PEER_LISTEN,
      zone: ZONE,
    },
    environment: {
      dataDir: DATA_DIR,
      joinToken: JOIN_TOKEN,
      peerListen: PEER_LISTEN,
    },
    examples: ["ashlar cluster join 10.0.0.1:9200 --join-token-file join-token --peer-listen 10.0.0.2:9200"],
    async run({ output, options: { dataDir, joinToken, peerListen, zone }, arguments: [address = ""] }) {
      if (joinToken === undefined)
        throw usage("The join token is missing: set ASHLAR_JOIN_TOKEN or --join-token-file.");
      const settings = { dataDirectory: resolve(dataDir), address, token: joinToken, peer: peerListen, zone };
      const { joinDataDirectory } = await import("../../server/index.ts");
      const node = await joinDataDirectory(settings);
      output.result(
        { node },
        () => `${resolve(dataDir)} is node ${node} of the cluster. Start it with --peer-listen ${peerListen}.`,
      );
      return undefined;
    },
  }),
  serverCommand({
    words: "cluster status",
    summary: "Shows the nodes of the cluster, and how many more may fail",
    notes: ["Exits with 1 where no further node may fail."],
    async run({ server, output }) {
      const client = await server.client();
      const cluster = await client.call("GET /v1/cluster", {});
      output.result(cluster, () => described(cluster));
      return cluster.canLose < 1 ? EXIT_AT_RISK : 0;
    },
  }),
  serverCommand({
    words: "cluster ranges",
    summary: "Shows which group of nodes serves which keys, and what is on its way between two of them",
    notes: ["Group 1 is on all nodes. A large range is split by itself: see --range-bytes-max of `ashlar serve`."],
    async run({ server, output }) {
      const client = await server.client();
      const ranges = await client.call("GET /v1/cluster/ranges", {});
      output.result(ranges, () => describedRanges(ranges));
      return undefined;
    },
  }),
  serverCommand({
    words: "cluster token",
    summary: "Makes a token with which nodes can join",
    notes: ["Whoever has it can become a node and so read everything: keep it as a secret."],
    options: {
      ttlSeconds: TTL,
      zone: { type: "text", text: "Failure domain of nodes that join with it and name none." },
    },
    async run({ server, output, options: { ttlSeconds, zone } }) {
      const client = await server.client();
      const body = { ttlMillis: ttlSeconds * 1000, ...(zone !== undefined && { zone }) };
      const made = await client.call("POST /v1/cluster/tokens", { body });
      output.result(made, () => made.token);
      return undefined;
    },
  }),
  serverCommand({
    words: "cluster drain",
    summary: "Lets a node lead no more, and another one vote in its place where there is one",
    arguments: ["NODE"],
    options: { undo: { type: "flag", default: false, text: "Ends the draining." } },
    async run({ server, output, options: { undo }, arguments: [node = ""] }) {
      const client = await server.client();
      const path = { node };
      if (undo) await client.call("POST /v1/cluster/nodes/{node}/resume", { path });
      else await client.call("POST /v1/cluster/nodes/{node}/drain", { path });
      output.result({ done: true }, () => (undo ? `Node ${node} is in use again.` : `Node ${node} is being drained.`));
      return undefined;
    },
  }),
  serverCommand({
    words: "cluster remove",
    summary: "Removes a node from the cluster for ever",
    notes: [
      "Drain it first. --force removes one that was not drained, because it is lost for good.",
      "Refused where too few others would be left that answer. Its number never comes back.",
    ],
    arguments: ["NODE"],
    options: { force: { type: "flag", default: false, text: "The node is lost for good." } },
    async run({ server, output, options: { force }, arguments: [node = ""] }) {
      const client = await server.client();
      await client.call("DELETE /v1/cluster/nodes/{node}", { path: { node }, query: { force } });
      output.result({ done: true }, () => `Node ${node} is removed.`);
      return undefined;
    },
  }),
  serverCommand({
    words: "cluster replace",
    summary: "Makes a token with which a new node takes the place of another one",
    notes: [
      "The new node joins with it and is given the old one's failure domain; once it votes the old one is removed by itself.",
      "The token is good for one node.",
    ],
    arguments: ["NODE"],
    options: { ttlSeconds: TTL },
    async run({ server, output, options: { ttlSeconds }, arguments: [node = ""] }) {
      if (!/^[1-9]\d{0,9}$/.test(node)) throw usage(`${node} is not a node's number.`);
      const client = await server.client();
      const made = await client.call("POST /v1/cluster/tokens", {
        body: { ttlMillis: ttlSeconds * 1000, replaces: Number(node) },
      });
      output.result(made, () => made.token);
      return undefined;
    },
  }),
  serverCommand({
    words: "cluster certs",
    summary: "Shows when the certificates of the nodes end",
    notes: ["A node renews its own when a third of its time is left."],
    options: { renew: { type: "flag", default: false, text: "Renews that of the node that answers first." } },
    async run({ server, output, options: { renew } }) {
      const client = await server.client();
      if (renew) await client.call("POST /v1/cluster/certificate", {});
      const { nodes }: Cluster = await client.call("GET /v1/cluster", {});
      const items = nodes
        .filter(({ state }) => state !== "removed")
        .map(({ id, certificateEndsAt }) => ({ id, certificateEndsAt }));
      output.result({ items }, () =>
        table(
          ["NODE", "ENDS"],
          items.map(({ id, certificateEndsAt }) => [id, certificateEndsAt ?? "no TLS"]),
        ),
      );
      return undefined;
    },
  }),
];

function described({ name, leader, nodes, summary, data }: Cluster): string[] {
  const rows = nodes
    .filter(({ state }) => state !== "removed")
    .map(({ id, state, role, alive, entriesBehind, zone, peer, endpoints, groups }) => {
      const reach = role === "none" ? "-" : alive ? "yes" : "no";
      return [
        id,
        state === "draining" && groups > 0 ? `${state}, on ${groups} groups` : state,
        role,
        reach,
        entriesBehind ?? "-",
        zone || "-",
        peer,
        endpoints["s3"] ?? "-",
      ];
    });
  const header = ["NODE", "STATE", "ROLE", "ANSWERS", "BEHIND", "ZONE", "PEER", "S3"];
  const facts = pairs([
    ["Cluster", name],
    ["Leader", leader === undefined ? "nobody" : `node ${leader}`],
    ...(data === undefined ? [] : [["Copies", copies(data)] as const]),
  ]);
  return [summary, "", ...facts, "", ...table(header, rows)];
}

function describedRanges({ ranges, groups, transfers }: Ranges): string[] {
  const rows = ranges.map(({ from, to, group, bytes, commitsPerSecond }) => {
    const { members, leader } = groups.find(({ id }) => id === group) ?? { members: undefined, leader: undefined };
    const size = bytes === undefined ? "-" : formatBytes(bytes);
    const nodes = members === undefined ? "all" : members.join(",");
    return [
      shownKey(from),
      to === undefined ? "end" : shownKey(to),
      group,
      nodes,
      leader ?? "-",
      size,
      commitsPerSecond ?? "-",
    ];
  });
  const lines = table(["FROM", "TO", "GROUP", "NODES", "LEADER", "BYTES", "COMMITS/S"], rows);
  for (const { from, source, target, phase, bytesBrought, reason } of transfers) {
    if (phase === "holding") {
      lines.push("", `All keys stay where they are: ${reason}.`);
      continue;
    }
    const brought = bytesBrought === undefined ? "" : `, ${formatBytes(bytesBrought)} brought`;
    lines.push(
      "",
      `From ${shownKey(from)} on, keys go from group ${source} to ${target}: ${phase}${brought}. ${reason}`,
    );
  }
  return lines;
}

function shownKey(key: JsonBytes): string {
  return key === "" ? "begin" : printable(typeof key === "string" ? key : `base64:${key.base64}`);
}

function copies({ volumes, volumesAtRisk, missingBytes }: NonNullable<Cluster["data"]>): string {
  if (volumesAtRisk === 0) return `all of ${volumes} volumes`;
  const left = missingBytes === 0 ? "" : `, ${formatBytes(missingBytes)} to be copied`;
  return `too few of ${volumesAtRisk} of ${volumes} volumes${left}`;
}

function usage(what: string): Error {
  return cliFailure("USAGE_OPTION", { what });
}
