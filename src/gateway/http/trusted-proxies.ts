import { type IpBlock, ipBlockContains, parseIpAddress, parseIpBlock } from "../../std/ip-address.ts";
import { listOf, type RequestHeaders } from "./request-headers.ts";

/** The client as the nearest proxies that we trust saw it; without them, the other end of the connection. */
export interface ClientOrigin {
  readonly address: string;
  readonly secure: boolean;
  /** The Host header that the client sent; undefined where there is none. */
  readonly host: string | undefined;
}

/**
 * Whose X-Forwarded-For, -Proto and -Host count. Each proxy appends to these lists, so they are read from their end,
 * one element for each proxy that is trusted: what the client itself wrote in front of them is never believed.
 */
export class TrustedProxies {
  readonly #blocks: readonly IpBlock[];

  private constructor(blocks: readonly IpBlock[]) {
    this.#blocks = blocks;
  }

  /** Addresses or `address/bits`; gives the first text that is neither instead. */
  static parse(texts: readonly string[]): TrustedProxies | { readonly invalid: string } {
    const blocks: IpBlock[] = [];
    for (const text of texts) {
      const block = parseIpBlock(withoutBrackets(text.trim()));
      if (block === undefined) return { invalid: text };
      blocks.push(block);
    }
    return new TrustedProxies(blocks);
  }

  originOf(remoteAddress: string, secure: boolean, headers: RequestHeaders): ClientOrigin {
    const host = headers.get("host");
    if (this.#blocks.length === 0 || !this.#trusts(remoteAddress)) return { address: remoteAddress, secure, host };
    const hops = listOf(headers.get("x-forwarded-for"));
    let proxies = 1;
    let at = hops.length - 1;
    while (at > 0 && this.#trusts(hops[at]!)) {
      at--;
      proxies++;
    }
    const scheme = fromEnd(listOf(headers.get("x-forwarded-proto")), proxies)?.toLowerCase();
    return {
      address: at >= 0 ? withoutBrackets(hops[at]!) : remoteAddress,
      secure: scheme === undefined ? secure : scheme === "https",
      host: fromEnd(listOf(headers.get("x-forwarded-host")), proxies) ?? host,
    };
  }

  #trusts(text: string): boolean {
    const address = parseIpAddress(withoutBrackets(text));
    return address !== undefined && this.#blocks.some((block) => ipBlockContains(block, address));
  }
}

/** Some proxies write IPv6 addresses as a URL does: `[2001:db8::1]`. */
function withoutBrackets(text: string): string {
  return text.startsWith("[") ? text.replace(/^\[([^\]]*)\]/, "$1") : text;
}

/** What the outermost trusted proxy wrote. A shorter list was set, not appended to, by one further in. */
function fromEnd(list: readonly string[], count: number): string | undefined {
  return list.length === 0 ? undefined : list[Math.max(0, list.length - count)];
}
