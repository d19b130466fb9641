import { type Message, MessageType } from "../../../core/raft/index.ts";

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(MessageType).map(([name, type]) => [type, name]));

/** One line of a trace: what distinguishes one message from the next, without the data of entries. */
export function messageText(message: Message): string {
  const { type, term, logTerm, index, commit, reject, rejectHint, entries, snapshot } = message;
  const parts: string[] = [`${NAMES.get(type)}${reject ? " rejected" : ""}`, `term ${term}`];
  if (index > 0) parts.push(logTerm > 0 ? `at ${index} of term ${logTerm}` : `at ${index}`);
  if (rejectHint > 0) parts.push(`hint ${rejectHint}`);
  if (commit > 0) parts.push(`commit ${commit}`);
  const [first, last] = [entries[0], entries.at(-1)];
  if (first !== undefined && first.index > 0)
    parts.push(`entries ${first.index} to ${last!.index} of term ${last!.term}`);
  if (snapshot !== undefined) parts.push(`snapshot ${snapshot.index} of term ${snapshot.term}`);
  return parts.join(", ");
}
