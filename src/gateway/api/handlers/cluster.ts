import type { Healing } from "../../../blob/index.ts";
import { type ClusterStatus, NODE_ID_MAX, type RangesStatus } from "../../../cluster/index.ts";
import { bytesOfJson, type JsonBytes, jsonOfBytes } from "../../../std/json-bytes.ts";
import { decodeKeyBound, type KeyInterval } from "../../../store/index.ts";
import { apiFailure } from "../errors.ts";
import type { Handlers, Services } from "../handler.ts";
import { type ClusterPort, statusOfCluster } from "../node.ts";
import type { CLUSTER_OPERATIONS } from "../operations/index.ts";
import type { Infer } from "../schema.ts";
import { instant } from "../status/reporter.ts";
import { invalid } from "../validate.ts";

const TOKEN_MILLIS = 24 * 60 * 60 * 1000;
/** Who asks right behind the end of a leader hears of the next one. */
const ELECTION_MILLIS = 3000;

export function clusterHandlers({ node, env }: Services): Handlers<typeof CLUSTER_OPERATIONS> {
  const cluster = (): ClusterPort => {
    if (node.cluster === undefined) throw apiFailure("CLUSTER_MISSING");
    return node.cluster;
  };
  return {
    async getCluster() {
      const { healing } = node.blobs.status();
      return shapeOf(await statusOfCluster(cluster(), node.blobs, ELECTION_MILLIS), healing);
    },

    async getRanges() {
      return rangesShapeOf(await cluster().ranges.status());
    },

    async splitRange({ body: { key, nodes } }) {
      return { group: await cluster().ranges.split(bytesOfJson(key)!, nodes && { nodes }) };
    },

    async mergeRange({ body: { key, into } }) {
      await cluster().ranges.merge(bytesOfJson(key)!, into && { into });
      return undefined;
    },

    async moveRange({ body: { key, nodes } }) {
      await cluster().ranges.move(bytesOfJson(key)!, nodes);
      return undefined;
    },

    async abortTransfer({ path }) {
      await cluster().ranges.abort(transferId(path.transfer), "An operator broke it off.");
      return undefined;
    },

    async createJoinToken({ body: { ttlMillis = TOKEN_MILLIS, zone, replaces } }) {
      const expiresAt = instant(env.clock.now() + ttlMillis);
      return { token: await cluster().members.token({ ttlMillis, zone, replaces }), expiresAt };
    },

    async renewCertificate() {
      return { renewed: await cluster().renewCertificate() };
    },

    async drainNode({ path }) {
      await cluster().members.drain(nodeId(path.node));
      return undefined;
    },

    async resumeNode({ path }) {
      await cluster().members.resume(nodeId(path.node));
      return undefined;
    },

    async removeNode({ path, query: { force = false } }) {
      await cluster().members.remove(nodeId(path.node), { force });
      return undefined;
    },
  };
}

function nodeId(text: string): number {
  const id = Number(text);
  if (!/^[1-9]\d{0,9}$/.test(text) || id > NODE_ID_MAX) throw invalid("path.node", "has to be a node's number");
  return id;
}

function transferId(text: string): number {
  const id = Number(text);
  if (!/^[1-9]\d{0,15}$/.test(text) || !Number.isSafeInteger(id))
    throw invalid("path.transfer", "has to be a transfer's number");
  return id;
}

function shapeOf(
  { name, id, self, leader, nodes, canLose, summary, data }: ClusterStatus,
  healing: Healing | undefined,
): Infer<"Cluster"> {
  return {
    ...{ name, id, self, canLose, summary },
    data: data && {
      volumes: data.volumes,
      volumesAtRisk: data.atRisk.length,
      volumesUnreadable: data.unreadable,
      missingBytes: data.missingBytes,
      healing,
    },
    leader: leader === 0 ? undefined : leader,
    nodes: nodes.map(({ joinedMillis, certificateEndMillis, isAlive, ...node }) => ({
      ...node,
      alive: isAlive,
      joinedAt: instant(joinedMillis),
      certificateEndsAt: certificateEndMillis === 0 ? undefined : instant(certificateEndMillis),
    })),
  };
}

function rangesShapeOf({ ranges, groups, transfers }: RangesStatus): Infer<"Ranges"> {
  return {
    ranges: ranges.map(({ from, to, ...range }) => ({ ...keysOf({ from, to }), ...range })),
    groups: groups.map(({ leader, ...group }) => ({ ...group, leader: leader === 0 ? undefined : leader })),
    transfers: transfers.map(({ from, to, ...transfer }) => ({ ...keysOf({ from, to }), ...transfer })),
  };
}

function keysOf({ from, to }: KeyInterval): { readonly from: JsonBytes; readonly to: JsonBytes | undefined } {
  const first = jsonOfBytes(decodeKeyBound(from));
  return { from: first, to: to.length === 0 ? undefined : jsonOfBytes(decodeKeyBound(to)) };
}
