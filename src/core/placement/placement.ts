// Where copies go: weighted rendezvous hashing over failure domains.
//
// Every node has a score for every key, which depends on nothing but the key, the node and its weight (Thaler and
// Ravishankar, "Using name-based mappings to increase hit rates", 1998; weights as -weight / ln(hash), Schindelhauer and
// Schomaker, "Weighted distributed hash tables", 2005). The best ones take the copies, the best of each domain first.
// So a node that comes takes only what goes to it, and one that goes gives away only what it had: nothing else moves.

export interface PlacementNode {
  /** From 1 to 2^32 - 1. */
  readonly id: number;
  /** What fails together; nodes with an empty one are each a domain of their own. */
  readonly domain: string;
  /** Capacity, in any unit. One of 0 takes nothing. */
  readonly weight: number;
}

export interface PlacementPolicy {
  readonly copies: number;
  /** Nodes that hold a copy already and keep it; they count, and so do their domains. */
  readonly holders?: readonly PlacementNode[];
}

/**
 * The nodes that a key's copies go to beside the holders, best first: as many as the policy lacks, or as there are. A
 * domain takes its second copy when every other one has its first. `key` is an unsigned 32-bit number.
 */
export function placeCopies(
  key: number,
  nodes: readonly PlacementNode[],
  { copies, holders = [] }: PlacementPolicy,
): readonly number[] {
  const held = new Set(holders.map(({ id }) => id));
  const copiesIn = new Map<string, number>();
  const take = (node: PlacementNode): void => {
    const domain = domainOf(node);
    copiesIn.set(domain, (copiesIn.get(domain) ?? 0) + 1);
  };
  for (const holder of holders) take(holder);
  let left = rankNodes(key, nodes).filter(({ id }) => !held.has(id));
  const chosen: number[] = [];
  while (chosen.length < copies - held.size && left.length > 0) {
    const fewest = Math.min(...left.map((node) => copiesIn.get(domainOf(node)) ?? 0));
    const next = left.find((node) => (copiesIn.get(domainOf(node)) ?? 0) === fewest)!;
    take(next);
    chosen.push(next.id);
    left = left.filter((node) => node !== next);
  }
  return chosen;
}

/** All nodes that may take something, the one that suits the key best first. */
export function rankNodes(key: number, nodes: readonly PlacementNode[]): readonly PlacementNode[] {
  return nodes
    .filter(({ weight }) => weight > 0)
    .map((node) => ({ node, score: -node.weight / Math.log(unitHash(key, node.id)) }))
    .sort((left, right) => right.score - left.score || left.node.id - right.node.id)
    .map(({ node }) => node);
}

function domainOf({ id, domain }: PlacementNode): string {
  return domain === "" ? `node ${id}` : `zone ${domain}`;
}

/** Even over (0, 1), and for each node independent of the others. */
function unitHash(key: number, node: number): number {
  const high = mix(mix(key ^ 0x9e37_79b9) ^ node);
  const low = mix(mix(high ^ key) + node);
  return ((high >>> 5) * 0x400_0000 + (low >>> 6) + 0.5) / 2 ** 53;
}

/** The finalizer of MurmurHash3 (Appleby): each bit of the input changes each of the output with even chances. */
function mix(value: number): number {
  let mixed = value >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
