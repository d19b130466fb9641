// Which node of which cluster a data directory is of, and how its node is known to the others:
//
//   cluster.json               the cluster, the node, its last start, and where the others were last
//   cluster/authority.pem      by whose signature the cluster's nodes are known
//   cluster/node.pem, node.key this node's certificate and its key
//   cluster/authority.key, cluster/token
//                              of a cluster that has just begun, until they are in its Store

import type { Disk } from "../env/index.ts";
import { fromHex } from "../std/bytes.ts";
import { serverFailure } from "./errors.ts";
import { readSmallFile, writeSmallFile } from "./small-file.ts";

export const CLUSTER_FILE = "cluster.json";
export const CLUSTER_FOLDER = "cluster";
export const CLUSTER_FILES = {
  authority: "cluster/authority.pem",
  certificate: "cluster/node.pem",
  key: "cluster/node.key",
  authorityKey: "cluster/authority.key",
  token: "cluster/token",
} as const;

export interface ClusterFile {
  readonly format: 1;
  /** The cluster's id, 32 hexadecimal digits, and its name. */
  readonly cluster: string;
  readonly name: string;
  readonly nodeId: number;
  /** Counts the starts, those too that came to nothing. */
  readonly start: number;
  /** What those were called, in hexadecimal digits: the last one that was claimed, and those since. */
  readonly lives: readonly string[];
  /** Whether nodes speak TLS. */
  readonly tls: boolean;
  /** The node that the cluster began with. */
  readonly isFounder: boolean;
  readonly zone: string;
  readonly members: readonly { readonly id: number; readonly peer: string }[];
}

/** Undefined for a node that is alone. Rejects with DATA_FILE_DAMAGED, DATA_FORMAT_NEWER. */
export async function readClusterFile(disk: Disk): Promise<ClusterFile | undefined> {
  const content = await readSmallFile(disk, CLUSTER_FILE);
  if (content === undefined) return undefined;
  const file = parsed(content);
  const known = 1;
  if (typeof file["format"] === "number" && file["format"] > known) {
    throw serverFailure("DATA_FORMAT_NEWER", { data: { format: file["format"], known } });
  }
  if (isClusterFile(file)) return file;
  throw serverFailure("DATA_FILE_DAMAGED", { what: `${CLUSTER_FILE} can not be read.`, data: { name: CLUSTER_FILE } });
}

export function writeClusterFile(disk: Disk, file: ClusterFile): Promise<void> {
  return writeSmallFile(disk, CLUSTER_FILE, `${JSON.stringify(file, undefined, 2)}\n`);
}

function parsed(content: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(content);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function isClusterFile(
  value: Readonly<Record<string, unknown>>,
): value is Readonly<Record<string, unknown>> & ClusterFile {
  const { format, cluster, name, nodeId, start, lives, tls, isFounder, zone, members } = value;
  return (
    format === 1 &&
    typeof cluster === "string" &&
    fromHex(cluster)?.length === 16 &&
    typeof name === "string" &&
    Number.isSafeInteger(nodeId) &&
    Number.isSafeInteger(start) &&
    Array.isArray(lives) &&
    typeof tls === "boolean" &&
    typeof isFounder === "boolean" &&
    typeof zone === "string" &&
    Array.isArray(members)
  );
}
