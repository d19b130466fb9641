// The two ways in which a data directory becomes a node's of a cluster: as the one that a cluster begins with, and by joining
// one that runs. Both only write files; the next start does the rest. cluster.json comes last: before it the directory is
// what it was.

import {
  ADMISSION_METHODS,
  clusterFailure,
  decodeJoinReply,
  encodeMessage,
  formatToken,
  type JoinReply,
  type JoinToken,
  parseToken,
} from "../cluster/index.ts";
import { createAuthority, createNodeKey, issueCertificate } from "../env/certificates.ts";
import type { Env } from "../env/index.ts";
import { LOG_DEFAULTS } from "../log/index.ts";
import { askForAdmission, certificateName, type PeerAddress, remoteCode } from "../peer/index.ts";
import { toBase64, toHex } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { CLUSTER_FILES, CLUSTER_FOLDER, readClusterFile, writeClusterFile } from "./cluster-file.ts";
import { serverFailure } from "./errors.ts";
import { writeSmallFile } from "./small-file.ts";

const FIRST_NODE = 1;
const JOIN_MILLIS_MAX = 15_000;

export interface BeginOptions {
  readonly name: string;
  readonly tls: boolean;
  readonly zone: string;
}

/** The token with which others join. Rejects with CLUSTER_CHANGED where the directory is a node's of a cluster already. */
export async function beginCluster(
  env: Pick<Env, "disk" | "random" | "clock">,
  { name, tls, zone }: BeginOptions,
): Promise<string> {
  const { disk, random, clock } = env;
  if ((await readClusterFile(disk)) !== undefined) throw inCluster();
  const cluster = toHex(random.bytes(16));
  const secret = toHex(random.bytes(32));
  await disk.makeDirectory(CLUSTER_FOLDER);
  let authorityPem: string | undefined;
  if (tls) {
    const authority = await createAuthority(`ashlar ${name}`, clock.now());
    const key = await createNodeKey();
    const names = [certificateName(FIRST_NODE), certificateName(0)];
    const { certificate } = await issueCertificate(authority, key.publicKey, names, clock.now());
    authorityPem = authority.certificate;
    await writeSmallFile(disk, CLUSTER_FILES.authority, authority.certificate);
    await writeSmallFile(disk, CLUSTER_FILES.authorityKey, authority.privateKey);
    await writeSmallFile(disk, CLUSTER_FILES.certificate, certificate);
    await writeSmallFile(disk, CLUSTER_FILES.key, key.privateKey);
  }
  await writeSmallFile(disk, CLUSTER_FILES.token, secret);
  const node = { nodeId: FIRST_NODE, start: 0, lives: [], isFounder: true, zone, members: [] };
  await writeClusterFile(disk, { format: 1, cluster, name, tls, ...node });
  return formatToken({ cluster, authority: authorityPem, secret });
}

export interface JoinOptions {
  /** Any node of the cluster. */
  readonly address: PeerAddress;
  readonly token: string;
  /** Where this node will listen for the others. */
  readonly peer: string;
  readonly zone: string;
  /** The file's path for the system, by its name in the data directory. */
  readonly pathOf: (name: string) => string;
}

/** The node's number. Rejects with TOKEN_INVALID, TOKEN_REFUSED, CLUSTER_CHANGED, JOIN_FAILED. */
export async function joinCluster(
  env: Pick<Env, "disk" | "random" | "clock" | "network" | "timers">,
  options: JoinOptions,
): Promise<number> {
  const { disk } = env;
  const token = parseToken(options.token);
  if ((await readClusterFile(disk)) !== undefined) throw inCluster();
  if ((await disk.list(LOG_DEFAULTS.folder)).length > 0) {
    throw serverFailure("CLUSTER_CHANGED", {
      what: "The data directory is of a node that was alone: it can not join others.",
      advice: "Join with an empty data directory, and copy the objects over S3.",
    });
  }
  await disk.makeDirectory(CLUSTER_FOLDER);
  const key = token.authority === undefined ? undefined : await createNodeKey();
  if (token.authority !== undefined) await writeSmallFile(disk, CLUSTER_FILES.authority, token.authority);
  const reply = await ask(env, options, token, key?.publicKey ?? new Uint8Array(0));
  if (key !== undefined) {
    await writeSmallFile(disk, CLUSTER_FILES.certificate, reply.certificate);
    await writeSmallFile(disk, CLUSTER_FILES.key, key.privateKey);
  }
  for (const [name, content] of Object.entries(reply.shared)) await writeSmallFile(disk, name, content);
  await writeClusterFile(disk, {
    ...{ format: 1, cluster: token.cluster, name: reply.clusterName, nodeId: reply.node, start: 0, lives: [] },
    ...{ tls: key !== undefined, isFounder: false, zone: options.zone, members: reply.members },
  });
  return reply.node;
}

async function ask(
  env: Pick<Env, "network" | "timers" | "random">,
  { address, peer, zone, pathOf }: JoinOptions,
  { cluster, secret, authority }: JoinToken,
  publicKey: Uint8Array,
): Promise<JoinReply> {
  const request = { secret, publicKey: toBase64(publicKey), peer, zone };
  try {
    const { head } = await askForAdmission({
      ...{ env, address, cluster, method: ADMISSION_METHODS.join, head: encodeMessage(request) },
      caFile: authority && pathOf(CLUSTER_FILES.authority),
      timeoutMillis: JOIN_MILLIS_MAX,
    });
    const reply = decodeJoinReply(head);
    if (reply !== undefined) return reply;
    throw serverFailure("JOIN_FAILED", { what: "The cluster's answer can not be read." });
  } catch (cause) {
    if (hasCode(cause, "JOIN_FAILED")) throw cause;
    if (remoteCode(cause) === "TOKEN_REFUSED")
      throw clusterFailure("TOKEN_REFUSED", { what: (cause as Error).message });
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw serverFailure("JOIN_FAILED", {
      what: `The node at ${address.host}:${address.port} did not let this one join: ${reason}`,
      cause,
    });
  }
}

function inCluster(): Error {
  return serverFailure("CLUSTER_CHANGED", { what: "The data directory is of a node of a cluster already." });
}
