// A node knows where the others are from the rows of the nodes, and before it has those from its data directory. A newcomer,
// or one that was away while others came, may not know who leads by now: it hears the leader and has no way to answer. So
// whoever leads tells the nodes that do not answer where all of them are: a call brings its own way back.

import type { PeerTransport } from "../peer/index.ts";
import { text, utf8 } from "../std/bytes.ts";
import type { NodeRow } from "./node-row.ts";

export type Whereabouts = Pick<NodeRow, "id" | "peer">;

const CALL_MILLIS = 2_000;

export class Introductions {
  readonly #transport: Pick<PeerTransport, "call">;
  readonly #method: number;
  /** Nodes that are being told. */
  readonly #underWay = new Set<number>();

  /** `take` is given what a leader tells this node. */
  constructor(
    transport: Pick<PeerTransport, "call" | "handle">,
    method: number,
    take: (all: readonly Whereabouts[]) => void,
  ) {
    this.#transport = transport;
    this.#method = method;
    transport.handle(method, async ({ head }) => {
      take(JSON.parse(text(head)) as readonly Whereabouts[]);
      return { head: new Uint8Array(0) };
    });
  }

  /** Each of them once at a time; whoever is not reached is told again when it is asked for again. */
  tell(nodes: readonly number[], all: readonly Whereabouts[]): void {
    const head = utf8(JSON.stringify(all.map(({ id, peer }) => ({ id, peer }))));
    for (const node of nodes) {
      if (this.#underWay.has(node)) continue;
      this.#underWay.add(node);
      const done = (): void => void this.#underWay.delete(node);
      this.#transport.call(node, this.#method, { head }, { timeoutMillis: CALL_MILLIS }).then(done, done);
    }
  }
}
