// A node's part in its cluster, once its Store is open: it follows the rows of the nodes, tells its transport who they are
// and sends away who may not take part; it answers those who claim a start or want to join; and while it leads, it brings
// the group's members to what the rows say.

import { commitQuorumOf } from "../core/raft/index.ts";
import { type Authority, issueCertificate } from "../env/certificates.ts";
import type { Env } from "../env/index.ts";
import type { HostedGroup } from "../host/index.ts";
import {
  type Admits,
  certificateName,
  type IncomingCall,
  type PeerAddress,
  type PeerTransport,
  remoteCode,
} from "../peer/index.ts";
import { fromBase64, fromHex, text, toHex, utf8 } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { parseAddress } from "../std/options.ts";
import type { Store } from "../store/index.ts";
import { admit, decodeJoinRequest, encodeMessage, type JoinReply, readNodes } from "./admission.ts";
import { type ClusterErrorCode, clusterFailure } from "./errors.ts";
import { Introductions, type Whereabouts } from "./introductions.ts";
import { formatToken } from "./join-token.ts";
import type { LeaderView } from "./leader-view.ts";
import type { NodeRow } from "./node-row.ts";
import { NodeTable } from "./node-table.ts";
import { pause } from "./pause.ts";
import type { Ranges } from "./ranges/ranges.ts";
import { Reconfigurer } from "./reconfigurer.ts";
import type { ClusterBugs } from "./seeded-bugs.ts";
import { type Claim, changeNode, claimStart, startRefusal } from "./starts.ts";
import { type ClusterStatus, clusterStatus, withGroups } from "./status.ts";
import { grantToken, type TokenHash } from "./token-rows.ts";

/** What nodes ask each other. */
export const CLUSTER_METHODS = { claim: 1, view: 2, introduce: 3, groupView: 4 } as const;
/** What somebody asks who is none yet. */
export const ADMISSION_METHODS = { join: 1 } as const;

const CALL_MILLIS = 5_000;
const POLL_MILLIS = 200;
const NEVER = new AbortController().signal;

export interface ClusterName {
  /** Drawn at its beginning: two clusters of one name do not mix. */
  readonly id: string;
  readonly name: string;
}

export interface MembershipOptions {
  readonly env: Pick<Env, "clock" | "timers" | "random">;
  readonly transport: PeerTransport;
  readonly store: Store;
  readonly group: Pick<HostedGroup<unknown>, "lead" | "isLeader" | "status" | "changeMembers" | "transferLeadership">;
  readonly cluster: ClusterName;
  readonly self: Pick<Claim, "id" | "start">;
  /** Its part in what is cut into ranges, where it has one. */
  readonly ranges?: Pick<Ranges, "status" | "stoppedWithout"> | undefined;
  /** Nodes that are reached elsewhere than they say. */
  readonly routes: ReadonlyMap<number, PeerAddress>;
  /** Undefined where the nodes speak without TLS. */
  readonly authority: (() => Promise<Authority>) | undefined;
  /** Files that a new node begins with: what all nodes share. */
  readonly shared: Readonly<Record<string, string>>;
  readonly sha256: TokenHash;
  /** Whoever these are from now on: so that the next start finds them. */
  readonly onNodes: (nodes: readonly Whereabouts[]) => void;
  /** This process may not take part any more: NODE_REMOVED or NODE_SUPERSEDED. */
  readonly onExcluded: (error: Error) => void;
  readonly onError: (error: unknown) => void;
  readonly bugs?: ClusterBugs | undefined;
}

export interface TokenRequest {
  readonly ttlMillis: number;
  readonly zone?: string | undefined;
  /** The node that goes once the new one votes. */
  readonly replaces?: number | undefined;
}

export class Membership implements AsyncDisposable {
  readonly #options: MembershipOptions;
  readonly #nodes: NodeTable;
  readonly #reconfigurer: Reconfigurer;
  readonly #heard = Promise.withResolvers<void>();

  /** The claim is made, or nobody could take it yet. */
  constructor(options: MembershipOptions) {
    const { env, store, group, self, transport, onError } = options;
    this.#options = options;
    this.#nodes = new NodeTable({
      store,
      pause: (millis, signal) => pause(env.timers, millis, signal),
      onChange: () => this.#changed(),
      onError,
    });
    const introductions = new Introductions(transport, CLUSTER_METHODS.introduce, (all) => this.#introduced(all));
    this.#reconfigurer = new Reconfigurer({
      ...{ env, store, group, nodes: this.#nodes, nodeId: self.id, onError },
      dismiss: (node) => transport.dismiss(node),
      introduce: (nodes) =>
        introductions.tell(
          nodes.map(({ id }) => id),
          this.#nodes.all().filter(isPresent),
        ),
    });
    transport.handle(CLUSTER_METHODS.claim, async ({ head }) => this.#claimed(head));
    transport.handle(CLUSTER_METHODS.view, async () => ({ head: utf8(JSON.stringify(this.#ownView())) }));
    transport.handleAdmission(ADMISSION_METHODS.join, (call) => this.#join(call));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reconfigurer[Symbol.asyncDispose]();
    await this.#nodes[Symbol.asyncDispose]();
  }

  /** All nodes that there have been, as this one has heard of them; none before it has. */
  get nodes(): readonly NodeRow[] {
    return this.#nodes.all();
  }

  /** Resolves once `nodes` has this one as one that has started, and so all that came before it. */
  get heard(): Promise<void> {
    return this.#heard.promise;
  }

  /** Asked by the transport about each node that comes. */
  readonly admits: Admits = (node, start, life) => {
    const row = this.#nodes.get(node);
    return row && refusalFor(row, start, life);
  };

  /** Where nobody leads, or who led does not answer, it waits so long for a leader; then it says so, or rejects as calls do. */
  async status({ waitMillis = 0 }: { readonly waitMillis?: number } = {}): Promise<ClusterStatus> {
    const { cluster, self, ranges, env } = this.#options;
    let view = await this.#view().catch(unreached);
    const isLed = (): boolean => !(view instanceof Error) && view.leader !== 0;
    for (let leftMillis = waitMillis; leftMillis > 0 && !isLed(); leftMillis -= POLL_MILLIS) {
      await pause(env.timers, POLL_MILLIS, NEVER);
      view = await this.#view().catch(unreached);
    }
    if (view instanceof Error) throw view;
    const status = clusterStatus({ ...cluster, self: self.id }, this.#nodes.all(), view);
    return ranges === undefined || status.leader === 0 ? status : withGroups(status, await ranges.status());
  }

  /** Tells the others what this node serves. */
  async announce(endpoints: Readonly<Record<string, string>>): Promise<void> {
    await changeNode(this.#options.store, this.#options.self.id, (row) => ({ ...row, endpoints }));
  }

  /** A new certificate (PEM) of this node for a key whose private half it has. */
  async certifyOwn(publicKey: Uint8Array<ArrayBuffer>): Promise<string | undefined> {
    const { authority, self } = this.#options;
    return authority && (await this.#certify(self.id, await authority(), publicKey));
  }

  /** The text of a new join token. */
  async token({ ttlMillis, zone = "", replaces = 0 }: TokenRequest): Promise<string> {
    const { store, env, cluster, authority, sha256 } = this.#options;
    if (replaces !== 0) await changeNode(store, replaces, (row) => void existing(row));
    const grant = { expiresMillis: env.clock.now() + ttlMillis, zone, replaces };
    const secret = await grantToken({ store, clock: env.clock, random: env.random, sha256 }, grant);
    return formatToken({ cluster: cluster.id, authority: (await authority?.())?.certificate, secret });
  }

  /** The node leads no more, and gives its vote to another one where there is one. Rejects with NODE_UNKNOWN, NODE_REMOVED. */
  async drain(id: number): Promise<void> {
    await changeNode(this.#options.store, id, (row) => ({ ...existing(row), state: "draining" }));
  }

  /** The end of its draining. */
  async resume(id: number): Promise<void> {
    await changeNode(this.#options.store, id, (row) => {
      return existing(row).state === "draining" ? { ...row, state: "active" } : undefined;
    });
  }

  /**
   * For ever. Rejects with NODE_IN_USE where it was not drained and `force` does not say that it is lost, and with
   * QUORUM_AT_RISK where the cluster would stop. The node takes part no more as soon as its row says so, and the others
   * then decide without it that it goes: so those that answer have to be a quorum of all that vote now.
   */
  async remove(id: number, { force = false }: { readonly force?: boolean } = {}): Promise<void> {
    const { canLose, nodes } = await this.status();
    const node = nodes.find((one) => one.id === id);
    if (node?.state === "removed") return;
    const voters = nodes.filter(({ role }) => role === "voter" || role === "leader");
    const alive = voters.filter((one) => one.id !== id && one.isAlive).length;
    const isWatched = !this.#options.bugs?.has("remove-past-quorum");
    const isAtRisk = canLose < 0 || alive < commitQuorumOf(voters.length, 0);
    if (isWatched && isAtRisk && voters.some((one) => one.id === id)) {
      throw clusterFailure("QUORUM_AT_RISK", { data: { node: id, voters: voters.length, alive } });
    }
    const stopped = (await this.#options.ranges?.stoppedWithout(id)) ?? [];
    if (isWatched && stopped.length > 0) {
      const which = stopped.length === 1 ? `group ${stopped[0]} of ranges` : `groups ${stopped.join(", ")} of ranges`;
      const what = `Without this node ${which} would have too few members that answer, or is led by nobody even now.`;
      throw clusterFailure("QUORUM_AT_RISK", { what, data: { node: id, groups: stopped } });
    }
    await changeNode(this.#options.store, id, (row) => {
      if (row.state === "removed") return undefined;
      if (row.state === "active" && !force) throw clusterFailure("NODE_IN_USE", { data: { node: id } });
      return { ...row, state: "removed" };
    });
  }

  #changed(): void {
    const { transport, self, onNodes, onExcluded } = this.#options;
    const rows = this.#nodes.all();
    // Of a newcomer that has not heard anything yet.
    if (rows.length === 0) return;
    const own = this.#nodes.get(self.id);
    const excluded = own && startRefusal(own, self.start, transport.life);
    if (excluded !== undefined) onExcluded(excluded);
    if (own !== undefined && own.state !== "joining") this.#heard.resolve();
    const present = rows.filter(isPresent);
    transport.setPeers(this.#addressesOf(present));
    onNodes(present);
  }

  /** Rows of one's own say the same or more. Those of a node that was away long may lack others altogether. */
  #introduced(all: readonly Whereabouts[]): void {
    const known = this.#nodes.all();
    const unknown = all.filter(({ id }) => !known.some((row) => row.id === id));
    if (unknown.length === 0) return;
    const present = [...known.filter(isPresent), ...unknown];
    this.#options.transport.setPeers(this.#addressesOf(present));
    this.#options.onNodes(present);
  }

  #addressesOf(nodes: readonly Whereabouts[]): ReadonlyMap<number, PeerAddress> {
    const { self, routes } = this.#options;
    const others = nodes.filter(({ id }) => id !== self.id);
    return new Map(
      others.flatMap(({ id, peer }): [number, PeerAddress][] => {
        const address = routes.get(id) ?? parseAddress(peer);
        return address === undefined ? [] : [[id, address]];
      }),
    );
  }

  async #claimed(head: Uint8Array): Promise<{ head: Uint8Array }> {
    await claimStart(this.#options.store, decodeClaim(head), this.#options.bugs);
    return { head };
  }

  async #join({ head }: IncomingCall): Promise<{ head: Uint8Array }> {
    const { store, env, sha256, cluster, shared, authority } = this.#options;
    const request = decodeJoinRequest(head);
    if (request === undefined || parseAddress(request.peer) === undefined) throw clusterFailure("TOKEN_REFUSED");
    const row = await admit({ store, clock: env.clock, sha256 }, request);
    const publicKey = new Uint8Array(fromBase64(request.publicKey) ?? []);
    const certificate = authority && (await this.#certify(row.id, await authority(), publicKey));
    const members = (await readNodes(store)).filter(({ state }) => state === "active" || state === "draining");
    const reply: JoinReply = {
      ...{ node: row.id, clusterName: cluster.name, certificate: certificate ?? "", shared },
      members: members.map(({ id, peer }) => ({ id, peer })),
    };
    return { head: encodeMessage(reply) };
  }

  async #certify(id: number, authority: Authority, publicKey: Uint8Array<ArrayBuffer>): Promise<string> {
    const { store, env } = this.#options;
    const names = [certificateName(id), certificateName(0)];
    const { certificate, endMillis } = await issueCertificate(authority, publicKey, names, env.clock.now());
    await changeNode(store, id, (row) => ({ ...row, certificateEndMillis: endMillis }));
    return certificate;
  }

  async #view(): Promise<LeaderView> {
    const { group, self, transport } = this.#options;
    const { lead } = group;
    if (lead === 0 || lead === self.id) return this.#ownView();
    const { head } = await transport.call(
      lead,
      CLUSTER_METHODS.view,
      { head: new Uint8Array(0) },
      { timeoutMillis: CALL_MILLIS },
    );
    return JSON.parse(text(head)) as LeaderView;
  }

  #ownView(): LeaderView {
    const { lead: leader, isLeader, status } = this.#options.group;
    const { configuration, lastIndex } = status;
    const progress = status.progress.map(({ id, match, isAlive }) => ({ id, match, isAlive }));
    return { leader: isLeader ? this.#options.self.id : leader, lastIndex, configuration, progress };
  }
}

/**
 * Claims a start where others can already say whether it may be one: before this node takes part in anything. True once
 * somebody has, false where nobody could. Rejects with NODE_SUPERSEDED, NODE_REMOVED or NODE_UNKNOWN.
 */
export async function claimThroughPeers(
  transport: PeerTransport,
  peers: readonly number[],
  claim: Claim,
): Promise<boolean> {
  const head = utf8(JSON.stringify({ ...claim, life: toHex(claim.life), earlier: claim.earlier.map(toHex) }));
  const asked = peers.map(async (peer) => {
    try {
      await transport.call(peer, CLUSTER_METHODS.claim, { head }, { timeoutMillis: CALL_MILLIS });
      return true;
    } catch (error) {
      const code = remoteCode(error) as ClusterErrorCode | undefined;
      const isVerdict = code === "NODE_SUPERSEDED" || code === "NODE_REMOVED" || code === "NODE_UNKNOWN";
      if (isVerdict && hasCode(error, "CALL_FAILED"))
        throw clusterFailure(code, { what: error.message, data: error.data });
      return false;
    }
  });
  const answers = await Promise.allSettled(asked);
  for (const answer of answers) if (answer.status === "rejected") throw answer.reason;
  return answers.some((answer) => answer.status === "fulfilled" && answer.value);
}

function decodeClaim(head: Uint8Array): Claim {
  const { life, earlier, ...claim } = JSON.parse(text(head)) as Omit<Claim, "life" | "earlier"> & {
    readonly life: string;
    readonly earlier: readonly string[];
  };
  return { ...claim, life: fromHex(life)!, earlier: earlier.map((one) => fromHex(one)!) };
}

/** Who led a moment ago does not answer. Throws what is no operating error. */
function unreached(error: unknown): Error {
  if (hasCode(error, "CALL_BROKEN") || hasCode(error, "PEER_UNREACHABLE")) return error;
  throw error;
}

function refusalFor(row: NodeRow, start: number, life: Uint8Array): ReturnType<Admits> {
  const refusal = startRefusal(row, start, life);
  if (refusal === undefined) return undefined;
  const reason = row.state === "removed" ? ("removed" as const) : ("superseded" as const);
  return { reason, text: refusal.message };
}

function isPresent({ state }: NodeRow): boolean {
  return state !== "removed";
}

function existing(row: NodeRow): NodeRow {
  if (row.state === "removed") throw clusterFailure("NODE_REMOVED", { data: { node: row.id } });
  return row;
}
