import type { ClusterNode, Status } from "../api/shapes.ts";

export type NodeTone = "good" | "warning" | "bad" | "quiet";

/** Whether the node belongs to no cluster. One that can not reach its cluster says so among its faults. */
export function isAlone({ cluster, faults }: Pick<Status, "cluster" | "faults">): boolean {
  return cluster === undefined && !faults.some(({ object }) => object === "cluster");
}

/** How a cluster looks that may lose so many more nodes. */
export function lossTone(canLose: number): NodeTone {
  if (canLose < 0) return "bad";
  return canLose === 0 ? "warning" : "good";
}

/** Whether a node is as it should be, in a word. */
export function nodeMark({ state, alive, role }: ClusterNode): { readonly tone: NodeTone; readonly word: string } {
  switch (state) {
    case "removed":
      return { tone: "quiet", word: "removed" };
    case "joining":
      return { tone: "quiet", word: "has not started yet" };
    case "draining":
      return alive ? { tone: "warning", word: "draining" } : { tone: "bad", word: "draining, does not answer" };
    case "active":
      if (!alive) return { tone: "bad", word: "does not answer" };
      return role === "none" ? { tone: "warning", word: "being taken in" } : { tone: "good", word: "active" };
  }
}

/** Those that take part first; each group by number. */
export function nodesInOrder(nodes: readonly ClusterNode[]): readonly ClusterNode[] {
  const rank = ({ state }: ClusterNode): number => (state === "removed" ? 1 : 0);
  return [...nodes].sort((left, right) => rank(left) - rank(right) || left.id - right.id);
}
