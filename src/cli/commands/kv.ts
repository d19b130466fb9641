import { EventStreamDecoder } from "../../codec/event-stream/index.ts";
import type { BodyOf, Operation, ResultOf } from "../../gateway/api/index.ts";
import { utf8 } from "../../std/bytes.ts";
import { AshlarError } from "../../std/errors.ts";
import { bytesOfJson, type JsonBytes, jsonOfBytes } from "../../std/json-bytes.ts";
import { chunksOf } from "../../std/source.ts";
import type { ApiClient } from "../api-client.ts";
import { type Command, serverCommand } from "../command.ts";
import { cliFailure } from "../errors.ts";
import { readInputBytes } from "../local-files.ts";
import { type Output, printable, table } from "../output.ts";

/** Of `kv get` where there is no such key. */
const EXIT_ABSENT = 1;
/** Of a write whose revision was another one. */
const EXIT_CONFLICT = 1;
/** Of one event: a commit in the form that takes most room. */
const EVENT_CHARACTERS_MAX = 4 * 1024 * 1024;
const PAGE_ROWS = 1000;

export const KV_COMMANDS: readonly Command[] = [
  serverCommand({
    words: "kv get",
    summary: "Prints the value of a key",
    notes: ["Ends with 1 where there is none. The bytes are printed as they are; with --json also the revision."],
    arguments: ["KEY"],
    async run({ server, output, arguments: [key = ""] }) {
      const client = await server.client();
      const { row } = await client.call("GET /v1/kv/row", { query: { key } });
      if (row === undefined) {
        output.note(`There is no key ${key}.`);
        return EXIT_ABSENT;
      }
      if (output.json) output.result(row, () => "");
      else output.bytes(bytesOfJson(row.value)!);
      return 0;
    },
  }),
  serverCommand({
    words: "kv put",
    summary: "Writes a key",
    notes: ["VALUE is text; --file takes bytes from a file, or from standard input where it is -."],
    arguments: ["KEY", "VALUE?"],
    options: {
      file: { type: "text", text: "Take the value from this file." },
      ifRevision: { type: "text", text: "Only if the key has this revision; 0: only if there is none." },
    },
    async run({ server, output, options, arguments: [key = "", value] }) {
      const { file, ifRevision } = options;
      if ((value === undefined) === (file === undefined)) {
        throw cliFailure("USAGE_ARGUMENTS", { what: "kv put takes either VALUE or --file." });
      }
      const bytes = file === undefined ? utf8(value!) : await readInputBytes(file);
      const put = { key, value: jsonOfBytes(bytes) };
      return report(await commit(await server.client(), key, ifRevision, { puts: [put] }), key, output);
    },
  }),
  serverCommand({
    words: "kv delete",
    summary: "Deletes a key; one that is absent is no error",
    arguments: ["KEY"],
    options: { ifRevision: { type: "text", text: "Only if the key has this revision." } },
    async run({ server, output, options, arguments: [key = ""] }) {
      const result = await commit(await server.client(), key, options.ifRevision, { deletes: [{ key }] });
      return report(result, key, output, "is deleted at");
    },
  }),
  serverCommand({
    words: "kv scan",
    summary: "Lists keys and values in byte order",
    arguments: ["PREFIX?"],
    options: {
      limit: { type: "integer", unit: "count", default: 1000, min: 1, max: 1_000_000, text: "Keys at most." },
      reverse: { type: "flag", default: false, text: "From the last key to the first." },
    },
    async run({ server, output, options: { limit, reverse }, arguments: [prefix = ""] }) {
      const client = await server.client();
      const items: Row[] = [];
      let next: Pick<Row, "key" | "suffix"> | undefined;
      do {
        const after = next && { after: next.key, ...(next.suffix !== undefined && { afterSuffix: next.suffix }) };
        const query = { prefix, limit: Math.min(PAGE_ROWS, limit - items.length), reverse, ...after };
        const page = await client.call("GET /v1/kv/rows", { query });
        items.push(...page.items);
        next = page.next;
      } while (next !== undefined && items.length < limit);
      output.result({ items }, () => {
        const shown = items.map(({ key, suffix = "", value, revision }) => {
          return [shownText(key), shownText(suffix), String(revision), shownText(value)];
        });
        return table(["KEY", "SUFFIX", "REVISION", "VALUE"], shown);
      });
      return undefined;
    },
  }),
  serverCommand({
    words: "kv watch",
    summary: "Prints what changes under a prefix, until it is interrupted",
    notes: ["With --json one line a commit. A program does better with the client: it resumes over lost connections."],
    arguments: ["PREFIX?"],
    options: { since: { type: "text", text: "Only what came behind this position." } },
    async run({ server, output, options: { since }, signal, arguments: [prefix = ""] }) {
      const client = await server.client();
      try {
        for await (const { changes, position } of changesOf(client, { prefix, since }, signal)) {
          if (output.json) output.write(`${JSON.stringify({ changes, position })}\n`);
          for (const { key, value, revision } of output.json ? [] : changes) {
            output.write(
              `${revision} ${shownText(key)} ${value === undefined ? "deleted" : `= ${shownText(value)}`}\n`,
            );
          }
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
      return undefined;
    },
  }),
];

type Row = ResultOf<KvOperation<"scanRows">>["items"][number];
type Changes = BodyOf<KvOperation<"commitRows">>;
type KvOperation<Name> = Extract<Operation, { readonly name: Name }>;
type Committed = ResultOf<KvOperation<"commitRows">>;

/** Without a name: if its answer is lost, the command says so. */
async function commit(
  client: ApiClient,
  key: string,
  ifRevision: string | undefined,
  changes: Changes,
): Promise<Committed> {
  if (ifRevision === undefined) return client.call("POST /v1/kv/commit", { body: changes });
  if (!/^\d{1,16}$/.test(ifRevision)) {
    throw cliFailure("USAGE_OPTION", { what: "--if-revision is a whole number." });
  }
  const revision = Number(ifRevision);
  const check = revision === 0 ? { key, absent: true } : { key, revision };
  return client.call("POST /v1/kv/commit", { body: { ...changes, checks: [check] } });
}

function report(result: Committed, key: string, output: Output, done = "has"): number {
  const { committed, revision } = result;
  output.result(result, () => (committed ? `${key} ${done} revision ${revision}.` : `${key} has another revision.`));
  return committed ? 0 : EXIT_CONFLICT;
}

async function* changesOf(
  client: ApiClient,
  query: { readonly prefix: string; readonly since?: string | undefined },
  signal: AbortSignal,
): AsyncGenerator<{ readonly changes: readonly Change[]; readonly position: string }> {
  const { body } = await client.stream("GET /v1/kv/watch", { query }, { signal });
  const tooLong = (): Error => cliFailure("REPLY_UNREADABLE", { what: "An event is too long." });
  const decoder = new EventStreamDecoder({ eventCharactersMax: EVENT_CHARACTERS_MAX, tooLong });
  for await (const chunk of chunksOf(body)) {
    for (const { type, data } of decoder.push(chunk)) {
      const message = JSON.parse(data);
      if (type === "failure") throw new AshlarError(message.code, message.message, message.advice, message.data);
      if (type === "commit") yield message;
    }
  }
}

interface Change {
  readonly key: JsonBytes;
  readonly value?: JsonBytes;
  readonly revision: number;
}

function shownText(bytes: JsonBytes): string {
  return printable(typeof bytes === "string" ? bytes : `base64:${bytes.base64}`);
}
