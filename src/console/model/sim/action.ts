// What somebody can do to the simulated group. Actions and their times are all that a run needs to be repeated, so they have a short text.

export const NODES: readonly number[] = [1, 2, 3, 4, 5];

export const NODE_ACTIONS = {
  propose: "p",
  campaign: "e",
  transfer: "t",
  pause: "u",
  resume: "v",
  crash: "k",
  restart: "r",
  wipe: "w",
  snapshot: "s",
  remove: "x",
  add: "a",
  isolate: "i",
  connect: "j",
} as const;
export type NodeActionKind = keyof typeof NODE_ACTIONS;

export type Action =
  | { readonly kind: NodeActionKind; readonly node: number }
  /** One way. */
  | { readonly kind: "cut" | "mend"; readonly from: number; readonly to: number }
  | { readonly kind: "heal" }
  /** Of all messages, so many in a hundred are lost. */
  | { readonly kind: "drop"; readonly percent: number };

export const DROP_PERCENT_MAX = 60;

export function encodeAction(action: Action): string {
  switch (action.kind) {
    case "cut":
    case "mend":
      return `${action.kind === "cut" ? "c" : "m"}${action.from}${action.to}`;
    case "heal":
      return "h";
    case "drop":
      return `d${action.percent}`;
    default:
      return `${NODE_ACTIONS[action.kind]}${action.node}`;
  }
}

/** Undefined for what no action has as its text. */
export function decodeAction(text: string): Action | undefined {
  const letter = text.slice(0, 1);
  const rest = text.slice(1);
  if (letter === "h") return rest === "" ? { kind: "heal" } : undefined;
  if (!/^\d{1,2}$/.test(rest)) return undefined;
  if (letter === "d") {
    const percent = Number(rest);
    return percent <= DROP_PERCENT_MAX ? { kind: "drop", percent } : undefined;
  }
  const ids = [...rest].map(Number);
  if (!ids.every((id) => NODES.includes(id))) return undefined;
  if (letter === "c" || letter === "m") {
    const [from, to] = ids;
    if (from === undefined || to === undefined || from === to) return undefined;
    return { kind: letter === "c" ? "cut" : "mend", from, to };
  }
  const kind = (Object.keys(NODE_ACTIONS) as NodeActionKind[]).find((each) => NODE_ACTIONS[each] === letter);
  return kind === undefined || ids.length !== 1 ? undefined : { kind, node: ids[0]! };
}
