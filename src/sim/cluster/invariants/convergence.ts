import type { Seat } from "../seat.ts";

/** What `GET /v1/cluster` says, as far as it matters here. */
export interface ClusterView {
  readonly canLose: number;
  readonly summary: string;
  readonly nodes: readonly {
    readonly id: number;
    readonly state: "joining" | "active" | "draining" | "removed";
    readonly role: "leader" | "voter" | "learner" | "none";
    readonly alive: boolean;
  }[];
}

const VOTERS_MAX = 5;

/**
 * Why a node's report is not that of a cluster in full health: all nodes that should be in it take part and answer, up to
 * five vote, and as many may be lost as such a number of voters can spare. Undefined where it is.
 */
export function lacks({ nodes, canLose, summary }: ClusterView, seats: readonly Seat[]): string | undefined {
  // Rows of newcomers who never came are no nodes; they go by themselves, much later.
  const present = nodes.filter(({ state }) => state === "active" || state === "draining");
  const expected = seats.filter(({ state }) => state === "sound").map(({ member }) => member);
  const missing = expected.filter((member) => !present.some(({ id }) => id === member));
  if (missing.length > 0) return `it does not know node ${missing}`;
  const gone = present.filter(({ id }) => !expected.includes(id)).map(({ id }) => id);
  if (gone.length > 0) return `it still has node ${gone}`;
  const voters = present.filter(({ role }) => role === "leader" || role === "voter").length;
  const wanted = Math.min(VOTERS_MAX, expected.length);
  if (voters !== wanted) return `${voters} nodes vote, and ${wanted} should`;
  const spare = Math.ceil(wanted / 2) - 1;
  const said = spare === 1 ? "Can lose 1 more node." : `Can lose ${spare} more nodes.`;
  return canLose === spare && summary === said ? undefined : `it says: ${summary}`;
}
