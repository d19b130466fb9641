import { type ExplainOptions, explainId, LAYOUTS } from "../../core/id/index.ts";
import type { BodyOf, Operation, ResultOf } from "../../gateway/api/index.ts";
import { nearestName } from "../../std/options.ts";
import type { ApiClient } from "../api-client.ts";
import { type Command, serverCommand } from "../command.ts";
import { cliFailure } from "../errors.ts";
import { pairs, table } from "../output.ts";

/** Of one request. */
const BATCH_MAX = 100_000;
const GENERATOR_DEFAULT = "twitter";

export const ID_COMMANDS: readonly Command[] = [
  serverCommand({
    words: "id next",
    summary: "Makes ids, or hands out numbers of a tag, a line each",
    notes: ["GENERATOR is a known layout or one that was defined; twitter where nothing is said."],
    arguments: ["GENERATOR?"],
    options: {
      count: { type: "integer", unit: "count", default: 1, min: 1, max: 1_000_000, text: "How many." },
      tag: { type: "text", text: "Numbers of this tag in place of ids." },
    },
    async run({ server, output, options: { count, tag }, arguments: [generator] }) {
      if (tag !== undefined && generator !== undefined)
        throw cliFailure("USAGE_ARGUMENTS", { what: "id next takes either GENERATOR or --tag." });
      const client = await server.client();
      const ids: string[] = [];
      for (let left = count; left > 0; left -= BATCH_MAX) {
        const query = { count: Math.min(left, BATCH_MAX) };
        const batch = await nextBatch(client, query, { generator, tag });
        if (output.json) ids.push(...batch);
        else output.write(`${batch.join("\n")}\n`);
      }
      if (output.json) output.result({ ids }, () => "");
      return undefined;
    },
  }),
  serverCommand({
    words: "id decode",
    summary: "Says what an id may be, the likeliest first",
    notes: [
      "Snowflake-like ids in decimal, hex, base32 or base62, UUIDs, ULIDs. It asks no server, but with --server.",
      `Layouts: ${Object.keys(LAYOUTS).join(", ")}.`,
    ],
    arguments: ["ID"],
    options: {
      layout: { type: "text", text: "Only as this layout." },
      epoch: { type: "text", text: "Since this instant, in place of the layouts' own epochs." },
      server: { type: "flag", default: false, text: "Ask the server, which also knows the generators defined there." },
    },
    async run({ server, output, options, arguments: [id = ""] }) {
      const { items } = options.server
        ? await askServer(await server.client(), id, options)
        : { items: explainId(id, { nowMillis: Date.now(), ...explainOptions(options) }).map(readingShape) };
      output.result({ items }, () => items.flatMap((reading, at) => [...(at === 0 ? [] : [""]), ...shown(reading)]));
      return undefined;
    },
  }),
  serverCommand({
    words: "id tags",
    summary: "Lists the tags",
    async run({ server, output }) {
      const client = await server.client();
      const items = await client.all((after) => client.call("GET /v1/ids/tags", { query: { after, limit: 1000 } }));
      output.result({ items }, () => {
        return table(
          ["TAG", "ORDER", "STEP", "NEXT", "UPDATED", "DESCRIPTION"],
          items.map(({ name, order, step, next, updatedAt, description }) => {
            return [name, order, step, next, updatedAt, description];
          }),
        );
      });
      return undefined;
    },
  }),
  serverCommand({
    words: "id tag add",
    summary: "Creates a tag",
    notes: ["Under the name of one that was removed it goes on behind that: no number of a name comes twice."],
    arguments: ["TAG"],
    options: {
      step: { type: "integer", unit: "count", default: 1000, min: 1, max: 1_000_000, text: "Least size of a block." },
      ordered: {
        type: "flag",
        default: false,
        text: "Numbers rise over all nodes, at the cost of a commit a request.",
      },
      first: { type: "text", text: "The first number." },
      description: { type: "text", default: "", text: "What it is for." },
    },
    async run({ server, output, options, arguments: [tag = ""] }) {
      const { step, ordered, first, description } = options;
      const body = { step, order: ordered ? "global" : "node", first, description } as const;
      const client = await server.client();
      const made = await client.call("PUT /v1/ids/tags/{tag}", { path: { tag }, body });
      output.result(made, () => `Created tag ${tag}, whose next number is ${made.next}.`);
      return undefined;
    },
  }),
  serverCommand({
    words: "id tag set",
    summary: "Changes a tag's step, or moves its count on",
    arguments: ["TAG"],
    options: {
      step: { type: "text", text: "Least size of a block, from the next one on." },
      first: { type: "text", text: "Go on from this number: after a backup was restored." },
    },
    async run({ server, output, options: { step, first }, arguments: [tag = ""] }) {
      if (step !== undefined && !/^\d{1,7}$/.test(step))
        throw cliFailure("USAGE_OPTION", { what: "--step is a whole number." });
      const body = { first, ...(step !== undefined && { step: Number(step) }) };
      const client = await server.client();
      const changed = await client.call("PATCH /v1/ids/tags/{tag}", { path: { tag }, body });
      output.result(changed, () => `Tag ${tag} has step ${changed.step}; the next block begins with ${changed.next}.`);
      return undefined;
    },
  }),
  serverCommand({
    words: "id tag rm",
    summary: "Removes a tag",
    arguments: ["TAG"],
    async run({ server, output, arguments: [tag = ""] }) {
      const client = await server.client();
      await client.call("DELETE /v1/ids/tags/{tag}", { path: { tag } });
      output.result({ tag }, () => `Removed tag ${tag}.`);
      return undefined;
    },
  }),
  serverCommand({
    words: "id generators",
    summary: "Lists the generators",
    async run({ server, output }) {
      const client = await server.client();
      const items = await client.all((after) =>
        client.call("GET /v1/ids/generators", { query: { after, limit: 1000 } }),
      );
      output.result({ items }, () => generatorLines(items));
      return undefined;
    },
  }),
  serverCommand({
    words: "id generator add",
    summary: "Defines a generator",
    arguments: ["GENERATOR"],
    options: {
      layout: { type: "text", default: GENERATOR_DEFAULT, text: "A known layout." },
      epoch: { type: "text", text: "An instant, in place of the layout's epoch." },
      workerFirst: { type: "text", text: "Use worker numbers from this one on: clusters apart have others." },
      workers: { type: "text", text: "Use so many worker numbers." },
    },
    async run({ server, output, options, arguments: [generator = ""] }) {
      const client = await server.client();
      const path = { generator };
      const body = definitionOf(options);
      const made = await client.call("PUT /v1/ids/generators/{generator}", { path, body });
      output.result(made, () => generatorLines([made]));
      return undefined;
    },
  }),
  serverCommand({
    words: "id generator rm",
    summary: "Removes a generator that was defined",
    arguments: ["GENERATOR"],
    async run({ server, output, arguments: [generator = ""] }) {
      const client = await server.client();
      await client.call("DELETE /v1/ids/generators/{generator}", { path: { generator } });
      output.result({ generator }, () => `Removed generator ${generator}.`);
      return undefined;
    },
  }),
];

type IdsOperation<Name> = Extract<Operation, { readonly name: Name }>;
type Reading = ResultOf<IdsOperation<"explainId">>["items"][number];
type Generator = ResultOf<IdsOperation<"listGenerators">>["items"][number];

async function nextBatch(
  client: ApiClient,
  query: { readonly count: number },
  { generator = GENERATOR_DEFAULT, tag }: { readonly generator: string | undefined; readonly tag: string | undefined },
): Promise<readonly string[]> {
  const { ids } =
    tag === undefined
      ? await client.call("POST /v1/ids/generators/{generator}/next", { path: { generator }, query })
      : await client.call("POST /v1/ids/tags/{tag}/next", { path: { tag }, query });
  return ids;
}

interface DecodeOptions {
  readonly layout: string | undefined;
  readonly epoch: string | undefined;
}

function askServer(
  client: ApiClient,
  id: string,
  { layout, epoch }: DecodeOptions,
): Promise<{ readonly items: readonly Reading[] }> {
  if (layout !== undefined || epoch !== undefined)
    throw cliFailure("USAGE_OPTION", { what: "--server takes neither --layout nor --epoch: it knows its generators." });
  return client.call("GET /v1/ids/explain", { query: { id } });
}

function explainOptions({ layout, epoch }: DecodeOptions): Omit<ExplainOptions, "nowMillis"> {
  const epochMillis = epoch === undefined ? undefined : Date.parse(epoch);
  if (Number.isNaN(epochMillis))
    throw cliFailure("USAGE_OPTION", { what: "--epoch is an instant, as in 2026-01-01T00:00:00Z." });
  const known: Readonly<Record<string, (typeof LAYOUTS)[keyof typeof LAYOUTS] | undefined>> = LAYOUTS;
  const chosen = layout === undefined ? undefined : known[layout];
  if (layout !== undefined && chosen === undefined) {
    const nearest = nearestName(layout, Object.keys(LAYOUTS));
    const hint = nearest === undefined ? "" : ` Did you mean ${nearest}?`;
    throw cliFailure("USAGE_OPTION", { what: `There is no known layout ${layout}.${hint}` });
  }
  return { ...(chosen && { layouts: [chosen] }), ...(epochMillis !== undefined && { epochMillis }) };
}

/** As the server answers. */
function readingShape({ kind, id, time, fields, plausibility, why }: ReturnType<typeof explainId>[number]): Reading {
  const texts = fields.map(({ name, bits, value }) => ({ name, bits, value: String(value) }));
  return { kind, id: String(id), ...(time !== undefined && { time }), fields: texts, plausibility, why };
}

function shown({ kind, time, fields, plausibility, why }: Reading): string[] {
  return pairs([
    ["kind", `${kind} (${plausibility})`],
    ["", why],
    ["time", time],
    ...fields.map(({ name, bits, value }) => [`${name}, ${bits} bits`, value] as const),
  ]);
}

function definitionOf(options: {
  readonly layout: string;
  readonly epoch: string | undefined;
  readonly workerFirst: string | undefined;
  readonly workers: string | undefined;
}): BodyOf<IdsOperation<"defineGenerator">> {
  const { layout, epoch, workerFirst, workers } = options;
  if ([workerFirst, workers].some((count) => count !== undefined && !/^\d{1,10}$/.test(count)))
    throw cliFailure("USAGE_OPTION", { what: "--worker-first and --workers are whole numbers." });
  return {
    ...{ layout, epoch },
    ...(workerFirst !== undefined && { workerFirst: Number(workerFirst) }),
    ...(workers !== undefined && { workers: Number(workers) }),
  };
}

function generatorLines(items: readonly Generator[]): string[] {
  return table(
    ["GENERATOR", "KIND", "BITS", "UNIT", "EPOCH", "WORKERS"],
    items.map(({ name, builtIn, timeBits, workerBits, sequenceBits, unitMillis, epoch, workerFirst, workers }) => [
      ...[name, builtIn ? "known" : "own", `${timeBits}+${workerBits}+${sequenceBits}`, `${unitMillis} ms`, epoch],
      `${workerFirst} to ${workerFirst + workers - 1}`,
    ]),
  );
}
