import { type Operation, parseHistory } from "../history.ts";

/**
 * Histories as tests write them, an event a line: `0 invoke write 1`, `0 ok`, `1 invoke read@x`, `1 ok 3`, `2 info`, `2 fail`. Behind a function
 * or an outcome stands a JSON value; the function of a completion is that of its invocation.
 */
export function historyLines(notation: string): string {
  const open = new Map<string, { readonly f: string; readonly key: string | undefined }>();
  const lines = notation
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  return lines
    .map((line, at) => {
      const [process = "", type = "", ...rest] = line.split(" ");
      if (type === "invoke") {
        const [f = "", key] = rest.shift()!.split("@");
        open.set(process, { f, key });
      }
      const { f, key } = open.get(process) ?? { f: "?", key: undefined };
      const value = rest.length === 0 ? null : JSON.parse(rest.join(" "));
      return JSON.stringify({ process: Number(process), type, f, key, value, time: at * 1000 });
    })
    .join("\n");
}

export function historyOf(notation: string): Operation[] {
  return parseHistory(historyLines(notation));
}

/** One after the other, each process in turn: `0 write 1`, `1 read -> 1`. */
export function serially(...operations: readonly string[]): string {
  return operations
    .map((operation) => {
      const [asked = "", answer] = operation.split(" -> ");
      const [process = "", ...call] = asked.split(" ");
      return `${process} invoke ${call.join(" ")}\n${process} ok${answer === undefined ? "" : ` ${answer}`}`;
    })
    .join("\n");
}
