// How safe the volumes are: which copies count, which volumes have too few, and in what order they are to get more. Pure:
// it judges rows and what is known of the nodes.

import type { VolumeRow } from "../volume-row.ts";

/**
 * Of a node: it answers; it answers and is to be left; it has not answered for a short while, and may come back with what
 * it has; or it is removed, or away for so long that its copies are made anew elsewhere.
 */
export type NodeCondition = "there" | "leaving" | "away" | "gone";

export interface RiskInput {
  readonly volumes: readonly { readonly id: number; readonly row: VolumeRow }[];
  /** By the name that rows have for it. */
  readonly conditionOf: (member: string) => NodeCondition;
  /** So many copies every volume is to have, on nodes that are not to be left. */
  readonly copies: number;
}

export interface VolumeRisk {
  readonly id: number;
  /** Length of the file that is to be copied. */
  readonly bytes: number;
  /** Copies that can be read now. */
  readonly readable: number;
  /** Members that count towards the copies that are wanted: they are there, or may come back. */
  readonly staying: readonly string[];
  /** Copies to be made elsewhere. */
  readonly missing: number;
  /** Members that are not needed any more: to be left, or gone. */
  readonly surplus: readonly string[];
}

export interface DataSafety {
  readonly volumes: number;
  /** Volumes with fewer copies than they are to have, or with one where none should be; those with the fewest first. */
  readonly atRisk: readonly VolumeRisk[];
  /** Of them, those that nobody can read now. */
  readonly unreadable: number;
  /** To be copied until every volume has as many as it is to have. */
  readonly missingBytes: number;
  /** How many more nodes may go, whichever they are, with every byte still there; -1 where some can not be read now. */
  readonly canLose: number;
}

export function judgeSafety({ volumes, conditionOf, copies }: RiskInput): DataSafety {
  const risks = volumes
    .filter(({ row }) => row.state !== "removed")
    .map(({ id, row }): VolumeRisk => {
      const of = (...conditions: NodeCondition[]): string[] => {
        return row.members.filter((name) => conditions.includes(conditionOf(name)));
      };
      const staying = of("there", "away");
      const missing = Math.max(0, copies - staying.length);
      const readable = of("there", "leaving").length;
      return { id, bytes: row.durable, readable, staying, missing, surplus: of("leaving", "gone") };
    });
  const fewest = risks.reduce((least, { readable }) => Math.min(least, readable), Number.POSITIVE_INFINITY);
  const atRisk = risks.filter((risk) => risk.readable < copies || risk.missing > 0 || risk.surplus.length > 0);
  return {
    volumes: risks.length,
    atRisk: atRisk.sort(byRisk),
    unreadable: risks.filter(({ readable }) => readable === 0).length,
    missingBytes: risks.reduce((sum, { bytes, missing }) => sum + bytes * missing, 0),
    canLose: (risks.length === 0 ? copies : fewest) - 1,
  };
}

/** What would be lost first is copied first; of two alike, the one that is quicker safe. */
function byRisk(left: VolumeRisk, right: VolumeRisk): number {
  return left.readable - right.readable || left.bytes - right.bytes || left.id - right.id;
}
