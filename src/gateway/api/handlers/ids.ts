import { type GeneratorInfo, type IdReading, linesOf, type TagInfo, textsOf } from "../../../service/ids/index.ts";
import { type Handlers, PAGE_DEFAULT, type Services } from "../handler.ts";
import { layoutOf } from "../ids/layout.ts";
import type { StreamReply } from "../operation.ts";
import type { IDS_OPERATIONS } from "../operations/ids.ts";
import type { Infer } from "../schema.ts";
import { instant } from "../status/reporter.ts";
import { invalid } from "../validate.ts";
import { defined } from "./users.ts";

type IdsHandlers = Handlers<typeof IDS_OPERATIONS>;

export function idsHandlers(services: Services): IdsHandlers {
  return { ...generatorHandlers(services), ...tagHandlers(services) };
}

function generatorHandlers({ ids }: Services): Pick<IdsHandlers, GeneratorOperation> {
  return {
    async listGenerators({ query: { after, limit = PAGE_DEFAULT } }) {
      const { entries, next } = await ids.generators({ after, limit });
      return { items: entries.map(generatorShape), next };
    },

    async defineGenerator({ path: { generator }, body }) {
      const { workerFirst, workers, windowMillis, description } = body;
      const layout = layoutOf(body);
      const more = defined({ workerFirst, workers, windowMillis, description });
      return generatorShape(await ids.defineGenerator(generator, { layout, ...more }));
    },

    async removeGenerator({ path: { generator } }) {
      await ids.removeGenerator(generator);
      return undefined;
    },

    async makeIds({ path: { generator }, query: { count } }) {
      return { ids: await ids.nextTexts(generator, count) };
    },

    async makeIdLines({ path: { generator }, query: { count } }) {
      return lines(await ids.nextLines(generator, count));
    },

    async explainId({ query: { id } }) {
      return { items: (await ids.explain(id)).map(readingShape) };
    },

    async getIdsStatus() {
      const { generators, tags, troubles } = ids.status();
      const held = generators.map(({ reservedUntilMillis, worker, generation, ...rest }) => {
        const reservedUntil = reservedUntilMillis === undefined ? undefined : instant(reservedUntilMillis);
        return { ...rest, ...defined({ worker, generation, reservedUntil }) };
      });
      const reasons = troubles.map(({ of, failure, sinceMillis }) => {
        return { ...of, code: failure.code, what: failure.message, since: instant(sinceMillis) };
      });
      return { generators: held, tags, troubles: reasons };
    },
  };
}

function tagHandlers({ ids }: Services): Omit<IdsHandlers, GeneratorOperation> {
  return {
    async listTags({ query: { after, limit = PAGE_DEFAULT } }) {
      const { entries, next } = await ids.tags({ after, limit });
      return { items: entries.map(tagShape), next };
    },

    getTag: async ({ path: { tag } }) => tagShape(await ids.tag(tag)),

    async createTag({ path: { tag }, body: { order, step, first, description } }) {
      return tagShape(await ids.createTag(tag, defined({ order, step, first: numberOf(first), description })));
    },

    async updateTag({ path: { tag }, body: { step, first, description } }) {
      return tagShape(await ids.updateTag(tag, defined({ step, first: numberOf(first), description })));
    },

    async removeTag({ path: { tag } }) {
      await ids.removeTag(tag);
      return undefined;
    },

    async nextNumbers({ path: { tag }, query: { count } }) {
      return { ids: textsOf(await ids.segment(tag, count)) };
    },

    async nextNumberLines({ path: { tag }, query: { count } }) {
      return lines(linesOf(await ids.segment(tag, count)));
    },
  };
}

type GeneratorOperation =
  | "listGenerators"
  | "defineGenerator"
  | "removeGenerator"
  | "makeIds"
  | "makeIdLines"
  | "explainId"
  | "getIdsStatus";

function lines(body: Uint8Array): StreamReply {
  return { status: 200, headers: ["Content-Type", "text/plain; charset=utf-8"], body };
}

function generatorShape({ isBuiltIn, layout, ...rest }: GeneratorInfo): Infer<"Generator"> {
  const { epochMillis, unitMillis, timeBits, workerBits, sequenceBits, order } = layout;
  const bits = { unitMillis, timeBits, workerBits, sequenceBits, order };
  return { ...rest, builtIn: isBuiltIn, epoch: instant(epochMillis), ...bits };
}

function tagShape({ nextNumber, updatedMillis, ...rest }: TagInfo): Infer<"Tag"> {
  return { ...rest, next: String(nextNumber), updatedAt: instant(updatedMillis) };
}

function readingShape({ kind, id, time, fields, plausibility, why }: IdReading): Infer<"IdReading"> {
  const shown = fields.map(({ name, bits, value }) => ({ name, bits, value: String(value) }));
  return { kind, id: String(id), ...(time !== undefined && { time }), fields: shown, plausibility, why };
}

/** Throws INPUT_INVALID for what are no digits. */
function numberOf(digits: string | undefined): bigint | undefined {
  if (digits === undefined) return undefined;
  if (!/^\d+$/.test(digits)) throw invalid("body.first", "has to be decimal digits");
  return BigInt(digits);
}
