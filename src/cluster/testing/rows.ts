import type { NodeRow } from "../node-row.ts";

export function nodeRow(id: number, parts: Partial<NodeRow> = {}): NodeRow {
  return {
    ...{ id, state: "active", start: 1, life: new Uint8Array(8), peer: `n${id}:9200`, zone: "", replaces: 0 },
    ...{ joinedMillis: 0, certificateEndMillis: 0, endpoints: {} },
    ...parts,
  };
}
