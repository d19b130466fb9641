import assert from "node:assert/strict";
import { SigningKeys } from "../../../codec/sigv4/index.ts";
import type { KeyedPermutation } from "../../../core/id/index.ts";
import { hmacSha256, sha256 } from "../../../env/crypto.ts";
import { SimHttp, SimRandom } from "../../../env/sim/index.ts";
import { Bench, type BenchNode } from "../../../service/ids/testing/service.ts";
import { EMPTY, text } from "../../../std/bytes.ts";
import { Prng } from "../../../std/prng.ts";
import { type AccessRecord, TrustedProxies } from "../../http/index.ts";
import type { LeafSigning } from "../authenticate.ts";
import { createLeafGateway, type SegmentTags } from "../gateway.ts";

export interface LeafAnswer {
  readonly status: number;
  readonly type: string | undefined;
  /** X-Ashlar-Error. */
  readonly code: string | undefined;
  readonly text: string;
}

export interface LeafNodeOptions {
  readonly segments?: SegmentTags;
  readonly generator?: string;
  readonly access?: LeafSigning["access"];
  readonly hiding?: KeyedPermutation;
}

export interface LeafNode extends BenchNode {
  readonly records: readonly AccessRecord[];
  readonly unexpected: readonly unknown[];
  call(target: string, options?: LeafCallOptions): Promise<LeafAnswer>;
  /** Runs virtual time until it is answered. */
  get(target: string): Promise<LeafAnswer>;
  stop(): Promise<void>;
}

export interface LeafCallOptions {
  readonly method?: string;
  readonly headers?: readonly string[];
}

const PORT_LIMITS = { headerBytesMax: 32_768, headersTimeoutMillis: 0, idleTimeoutMillis: 0, connectionsMax: 20_000 };
const malformed = () => ({ headers: [], body: EMPTY });

export function newKeys(): SigningKeys {
  return new SigningKeys({ hash: sha256, hmac: hmacSha256 }, { entriesMax: 64 });
}

/** Nodes over one Store, in virtual time, each with Leaf's front. */
export class LeafWorld {
  readonly bench: Bench = new Bench();
  readonly http: SimHttp = new SimHttp();

  async node(name: string, options: LeafNodeOptions = {}): Promise<LeafNode> {
    const node = this.bench.node(name);
    const { ids, clock } = node;
    const [records, unexpected]: [AccessRecord[], unknown[]] = [[], []];
    const trustedProxies = TrustedProxies.parse([]);
    assert.ok(trustedProxies instanceof TrustedProxies);
    const handle = createLeafGateway({
      ...{ env: { clock, random: new SimRandom(new Prng(5)) }, ids, trustedProxies, requestsMax: 1000 },
      ...{ segments: options.segments ?? ids, generator: options.generator ?? "leaf", hiding: options.hiding },
      signing: options.access && { access: options.access, keys: newKeys() },
      observer: {
        started() {},
        finished: (record) => void records.push(record),
        unexpected: (error) => void unexpected.push(error),
      },
    });
    const { port } = await this.http.mount().listen({ host: "", port: 0, ...PORT_LIMITS, malformed }, handle);
    const call: LeafNode["call"] = async (target, { method = "GET", headers = [] } = {}) => {
      const reply = await this.http.request(port, { method, target, headers: ["Host", "leaf.test", ...headers] });
      const header = (wanted: string): string | undefined => {
        const at = reply.headers.findIndex((each, place) => place % 2 === 0 && each.toLowerCase() === wanted);
        return at === -1 ? undefined : reply.headers[at + 1];
      };
      const [type, code] = [header("content-type"), header("x-ashlar-error")];
      return { status: reply.status, type, code, text: text(reply.body) };
    };
    const stop = (): Promise<void> => this.bench.settle(ids[Symbol.asyncDispose]());
    return { ...node, records, unexpected, call, get: (target) => this.bench.settle(call(target)), stop };
  }
}
