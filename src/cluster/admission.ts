// How somebody becomes a node. He shows the secret of a join token and the public half of a key that he has made; he gets a
// number that nobody had before, a certificate for it, and what all nodes share. His row says "joining" until he starts.
// Where the answer is lost he asks again and becomes another node: rows that nobody ever started under go after a while.

import type { Clock } from "../env/index.ts";
import { text, utf8 } from "../std/bytes.ts";
import { type Store, TABLES } from "../store/index.ts";
import { change, unchanged } from "./change.ts";
import { clusterFailure } from "./errors.ts";
import { readTable } from "./follow-table.ts";
import {
  decodeCounter,
  decodeNodeRow,
  encodeCounter,
  encodeNodeRow,
  NODE_COUNTER,
  NODE_ID_MAX,
  type NodeRow,
  type NodeState,
  nodeAddress,
  nodeOfKey,
} from "./node-row.ts";
import { type TokenGrant, type TokenHash, useToken } from "./token-rows.ts";

/** Rows of the table of nodes, those of removed ones too. */
export const NODES_MAX = 1000;
const ABANDONED_MILLIS = 60 * 60 * 1000;

export interface AdmissionParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly sha256: TokenHash;
}

export interface Newcomer {
  readonly secret: string;
  readonly peer: string;
  /** Empty: as the token says. */
  readonly zone: string;
}

/** The newcomer's row. Rejects with TOKEN_REFUSED, NODES_MAX or CONTENDED, or as the Store does. */
export function admit(parts: AdmissionParts, newcomer: Newcomer): Promise<NodeRow> {
  const { store, clock } = parts;
  return change(store, async () => {
    const { grant, check, row: token } = await useToken(parts, newcomer.secret);
    const rows = await readNodes(store);
    if (rows.length >= NODES_MAX) throw clusterFailure("NODES_MAX", { data: { nodes: rows.length } });
    const { row: counter } = await store.get(NODE_COUNTER);
    const id = counter === undefined ? 1 + Math.max(0, ...rows.map((one) => one.id)) : decodeCounter(counter.value);
    if (id > NODE_ID_MAX) throw clusterFailure("NODES_MAX");
    const replaced = replacedBy(newcomer, grant, rows);
    const zone = newcomer.zone || replaced?.zone || grant.zone;
    const row: NodeRow = {
      ...{ id, state: "joining", start: 0, life: new Uint8Array(0), peer: newcomer.peer, zone },
      ...{ replaces: replaced?.id ?? 0, joinedMillis: clock.now(), certificateEndMillis: 0, endpoints: {} },
    };
    const puts = [
      { ...nodeAddress(id), value: encodeNodeRow(row) },
      { ...NODE_COUNTER, value: encodeCounter(id + 1) },
    ];
    const checks = [check, unchanged(NODE_COUNTER, counter), { ...nodeAddress(id), absent: true } as const];
    // One node replaces another; any number may join with a token that replaces nobody.
    const deletes = grant.replaces === 0 ? [] : [token];
    return { commit: { checks, puts, deletes }, result: row };
  });
}

/**
 * The node that the token names; else the one in use that listens where the newcomer will, whose data directory is gone. Where
 * that is a mistake nothing is lost: the newcomer is not found at an address that the other one has, so it never votes.
 */
function replacedBy(newcomer: Newcomer, { replaces }: TokenGrant, rows: readonly NodeRow[]): NodeRow | undefined {
  if (replaces === 0) return rows.findLast(({ peer, state }) => peer === newcomer.peer && isInUse(state));
  const named = rows.find(({ id, state }) => id === replaces && state !== "removed");
  if (named !== undefined) return named;
  throw clusterFailure("TOKEN_REFUSED", { what: `Node ${replaces}, which it replaces, is gone.` });
}

function isInUse(state: NodeState): boolean {
  return state === "active" || state === "draining";
}

/** All rows of nodes, by their number. */
export async function readNodes(
  store: Store,
  level: "linearizable" | "stale" = "linearizable",
): Promise<readonly NodeRow[]> {
  const rows = await readTable(store, TABLES.node, level);
  return rows.flatMap(({ key, value }) => {
    const id = nodeOfKey(key);
    return id === 0 ? [] : [decodeNodeRow(id, value)];
  });
}

/** Rows of newcomers that never started: whoever still has such a number finds that it was removed. */
export function abandoned(rows: readonly NodeRow[], nowMillis: number): readonly NodeRow[] {
  return rows.filter(({ state, joinedMillis }) => state === "joining" && joinedMillis + ABANDONED_MILLIS < nowMillis);
}

/** What the two sides of the conversation say; JSON, since nodes of different versions hold it. */
export interface JoinRequest {
  readonly secret: string;
  /** SubjectPublicKeyInfo in base64; empty where the cluster's nodes speak without TLS. */
  readonly publicKey: string;
  readonly peer: string;
  readonly zone: string;
}

export interface JoinReply {
  readonly node: number;
  readonly clusterName: string;
  /** PEM; empty where the cluster's nodes speak without TLS. */
  readonly certificate: string;
  /** What all nodes share: identity files by name. */
  readonly shared: Readonly<Record<string, string>>;
  readonly members: readonly { readonly id: number; readonly peer: string }[];
}

export function encodeMessage(message: JoinRequest | JoinReply): Uint8Array {
  return utf8(JSON.stringify(message));
}

/** Undefined for what is no such message; fields that it does not know are left out. */
export function decodeJoinRequest(bytes: Uint8Array): JoinRequest | undefined {
  const { secret, publicKey, peer, zone } = parsed(bytes);
  const isWhole = [secret, publicKey, peer, zone].every((field) => typeof field === "string" && field.length <= 1024);
  return isWhole ? ({ secret, publicKey, peer, zone } as JoinRequest) : undefined;
}

export function decodeJoinReply(bytes: Uint8Array): JoinReply | undefined {
  const { node, clusterName, certificate, shared, members } = parsed(bytes);
  const isWhole =
    typeof node === "number" &&
    typeof clusterName === "string" &&
    typeof certificate === "string" &&
    typeof shared === "object" &&
    Array.isArray(members);
  return isWhole ? ({ node, clusterName, certificate, shared, members } as JoinReply) : undefined;
}

function parsed(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text(bytes));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
