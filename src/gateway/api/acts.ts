import { assert } from "../../std/assert.ts";
import type { NewEvent } from "./events/event-log.ts";
import type { OperationEntry } from "./operation.ts";
import { OPERATION_ENTRIES, type OperationName } from "./operations/index.ts";

/** Who acted, on what, from where. */
export interface ActBy {
  /** As in the path of the API's operation, which names the object first. */
  readonly path: Readonly<Record<string, string>>;
  readonly actor: string | undefined;
  readonly address: string;
  readonly requestId: string;
}

/** What an operator's act is told as; undefined for an operation that is none. */
export function actEvent({ name, act }: OperationEntry, by: ActBy): NewEvent | undefined {
  if (act === undefined) return undefined;
  const { path, actor, address, requestId } = by;
  const [kind, named] = Object.entries(path)[0] ?? ["node", ""];
  return {
    severity: "info",
    kind: name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
    object: `${kind} ${named}`.trim(),
    text: `${act.replace(/\{(\w+)\}/g, (_, parameter: string) => path[parameter]!)}.`,
    ...(actor !== undefined && { actor }),
    data: { ...path, address, requestId },
  };
}

/** The event of an act that came by another gateway, told as the API's operation that does the same. */
export function actEventAs(name: OperationName, by: ActBy): NewEvent {
  const event = actEvent(OPERATION_ENTRIES.find((entry) => entry.name === name)!, by);
  assert(event !== undefined, "an act of another gateway is one of the API's too");
  return event;
}
