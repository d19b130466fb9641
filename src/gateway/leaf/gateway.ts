// Leaf's HTTP service (Meituan-Dianping/Leaf): numbers of tags in segment mode, ids of one generator in snowflake mode, as bare
// digits. A failure is HTTP 500 with Leaf's JSON, never a number with 200; whatever mode can not serve says so.

import type { KeyedPermutation, NumberBlock } from "../../core/id/index.ts";
import type { Env, Exchange } from "../../env/index.ts";
import { ashlarArn } from "../../service/access/index.ts";
import {
  type Ids,
  linesOf,
  type Page,
  type PageRequest,
  type SegmentBuffer,
  textsOf,
} from "../../service/ids/index.ts";
import { EMPTY, utf8 } from "../../std/bytes.ts";
import { AshlarError } from "../../std/errors.ts";
import { isoTime } from "../../std/time-text.ts";
import { type Answering, createShell, type HttpCall, type HttpObserver, type TrustedProxies } from "../http/index.ts";
import { authenticate, type LeafSigning, requireAllowed } from "./authenticate.ts";
import { decodeAsLeaf } from "./decode.ts";
import { leafFailure } from "./errors.ts";
import { noId, toldFailure } from "./failure.ts";
import { LEAF_LIMITS } from "./limits.ts";
import { type IdsRequest, type LeafRequest, parseLeafRequest } from "./request.ts";
import { cachePage, rowsPage, type TagRow } from "./tables.ts";

/** Where segment mode has its numbers from: the tags of the Store, or a table that a user has. */
export interface SegmentTags {
  segment(tag: string, count: number): Promise<readonly NumberBlock[]>;
  buffers(): readonly SegmentBuffer[];
  tags(page: PageRequest): Promise<Page<SegmentTagRow>>;
}

export interface SegmentTagRow extends TagRow {
  readonly description: string;
}

export interface LeafParts {
  readonly env: Pick<Env, "clock" | "random">;
  readonly ids: Pick<Ids, "nextTexts" | "nextLines" | "generator">;
  readonly segments: SegmentTags;
  /** Whose ids snowflake mode makes. */
  readonly generator: string;
  /** Undefined: anybody may ask. */
  readonly signing: Omit<LeafSigning, "clock"> | undefined;
  /** Ids are handed out in a form that hides their order, of 63 bits. */
  readonly hiding?: KeyedPermutation | undefined;
  readonly trustedProxies: TrustedProxies;
  readonly observer?: HttpObserver | undefined;
  readonly requestsMax: number;
}

export function createLeafGateway(parts: LeafParts): (exchange: Exchange) => void {
  const { clock, random } = parts.env;
  const { trustedProxies, observer, requestsMax } = parts;
  return createShell({ name: "leaf", clock, random, trustedProxies, observer, requestsMax }, new Gateway(parts));
}

const TEXT = "text/plain;charset=UTF-8";
const JSON_TYPE = "application/json;charset=UTF-8";
const HTML = "text/html;charset=UTF-8";
/** As Spring answers for a path that takes any verb. */
const ALLOWED = "GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS";

class Gateway implements Answering {
  readonly #parts: LeafParts;

  constructor(parts: LeafParts) {
    this.#parts = parts;
  }

  async answer(call: HttpCall): Promise<void> {
    const request = parseLeafRequest(call.exchange.target);
    call.operation = request.kind;
    if (call.exchange.method === "OPTIONS") return call.reply(200, ["Allow", ALLOWED], EMPTY);
    const { signing, env } = this.#parts;
    if (signing !== undefined) {
      const known = { ...signing, clock: env.clock };
      const principal = await authenticate(call, known);
      requireAllowed(known, principal, call, this.#needOf(request));
    }
    switch (request.kind) {
      case "segment":
      case "snowflake":
        return this.#answerIds(call, request);
      case "tags":
        return this.#answerTags(call, request);
      case "cache":
        return reply(call, HTML, cachePage(this.#parts.segments.buffers().slice(0, LEAF_LIMITS.tableRowsMax)));
      case "db":
        return reply(call, HTML, rowsPage(await this.#rows()));
      case "decode":
        return this.#answerDecoded(call, request);
    }
  }

  refuse(call: HttpCall, error: unknown): Promise<void> {
    const [path] = call.exchange.target.split("?", 1);
    const { status, code, body } = toldFailure(error, path!, Math.floor(this.#parts.env.clock.now()));
    call.errorCode = code;
    const headers = ["Content-Type", JSON_TYPE, "Cache-Control", "no-store", "X-Ashlar-Error", code];
    if (status === 401) headers.push("WWW-Authenticate", 'Basic realm="Leaf"');
    return call.reply(status, headers, utf8(JSON.stringify(body)));
  }

  #needOf(request: LeafRequest): Parameters<typeof requireAllowed>[3] {
    switch (request.kind) {
      case "segment":
        return { action: "ashlar:MakeIds", resource: ashlarArn("tag", request.key) };
      case "snowflake":
        return { action: "ashlar:MakeIds", resource: ashlarArn("generator", this.#parts.generator) };
      case "decode":
        return { action: "ashlar:ListGenerators", resource: ashlarArn("generator", this.#generatorOf(request)) };
      case "tags":
      case "cache":
      case "db":
        return { action: "ashlar:ListTags", resource: ashlarArn("tag", "*") };
    }
  }

  /** In snowflake mode the key means nothing, as in Leaf. Several ids have a line feed between them. */
  async #answerIds(call: HttpCall, request: IdsRequest): Promise<void> {
    const { hiding } = this.#parts;
    const { isJson, size } = request;
    if (hiding !== undefined && size > LEAF_LIMITS.hiddenSizeMax) {
      throw leafFailure("SIZE_HIDDEN", { data: { size, sizeMax: LEAF_LIMITS.hiddenSizeMax } });
    }
    try {
      if (hiding === undefined && !isJson && size > 1) return await reply(call, TEXT, await this.#lines(request));
      const plain = await this.#texts(request);
      const texts = hiding === undefined ? plain : plain.map((text) => String(hiding.hide(BigInt(text))));
      if (isJson) return await reply(call, JSON_TYPE, JSON.stringify({ ids: texts }));
      return await reply(call, TEXT, texts.join("\n"));
    } catch (error) {
      throw error instanceof AshlarError && !call.exchange.replied ? noId(request.kind, error) : error;
    }
  }

  async #texts({ kind, key, size }: IdsRequest): Promise<readonly string[]> {
    const { ids, segments, generator } = this.#parts;
    return kind === "segment" ? textsOf(await segments.segment(key, size)) : ids.nextTexts(generator, size);
  }

  async #lines({ kind, key, size }: IdsRequest): Promise<Uint8Array> {
    const { ids, segments, generator } = this.#parts;
    const lines =
      kind === "segment" ? linesOf(await segments.segment(key, size)) : await ids.nextLines(generator, size);
    return lines.subarray(0, -1);
  }

  async #answerTags(call: HttpCall, { after, limit }: LeafRequest & { kind: "tags" }): Promise<void> {
    const { entries, next } = await this.#parts.segments.tags({ after, limit });
    const tags = entries.map(({ name, nextNumber, step, description, updatedMillis }) => ({
      ...{ tag: name, maxId: String(nextNumber), step, description, updateTime: isoTime(updatedMillis) },
    }));
    return reply(call, JSON_TYPE, JSON.stringify({ tags, ...(next !== undefined && { next }) }));
  }

  async #rows(): Promise<readonly SegmentTagRow[]> {
    const rows: SegmentTagRow[] = [];
    const limit = LEAF_LIMITS.pageRowsMax;
    for (let after: string | undefined; rows.length < LEAF_LIMITS.tableRowsMax; ) {
      const { entries, next } = await this.#parts.segments.tags({ after, limit });
      rows.push(...entries);
      if (next === undefined) break;
      after = next;
    }
    return rows;
  }

  async #answerDecoded(call: HttpCall, request: LeafRequest & { kind: "decode" }): Promise<void> {
    const { layout } = await this.#parts.ids.generator(this.#generatorOf(request));
    const decoded = decodeAsLeaf(this.#revealed(request.digits), layout);
    return reply(call, JSON_TYPE, JSON.stringify(decoded));
  }

  #generatorOf({ generator }: LeafRequest & { kind: "decode" }): string {
    return generator ?? this.#parts.generator;
  }

  /** What this front has not handed out stays as it is: it will be refused by what reads it. */
  #revealed(digits: string): string {
    const { hiding } = this.#parts;
    if (hiding === undefined || !/^\d{1,19}$/.test(digits)) return digits;
    const shown = BigInt(digits);
    return shown < 2n ** 63n ? String(hiding.reveal(shown)) : digits;
  }
}

/** An id must not come out of somebody's cache. */
function reply(call: HttpCall, type: string, body: string | Uint8Array): Promise<void> {
  const headers = ["Content-Type", type, "Cache-Control", "no-store"];
  return call.reply(200, headers, typeof body === "string" ? utf8(body) : body);
}
