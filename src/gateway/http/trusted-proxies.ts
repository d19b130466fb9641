import { type AddressRange, inRange, parseAddress, parseRange } from "./ip-address.ts";
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
  readonly #ranges: readonly AddressRange[];

  private constructor(ranges: readonly AddressRange[]) {
    this.#ranges = ranges;
  }

  /** Addresses or `address/bits`; gives the first text that is neither instead. */
  static parse(texts: readonly string[]): TrustedProxies | { readonly invalid: string } {
    const ranges: AddressRange[] = [];
    for (const text of texts) {
      const range = parseRange(text.trim());
      if (range === undefined) return { invalid: text };
      ranges.push(range);
    }
    return new TrustedProxies(ranges);
  }

  originOf(remoteAddress: string, secure: boolean, headers: RequestHeaders): ClientOrigin {
    const host = headers.get("host");
    if (this.#ranges.length === 0 || !this.#trusts(remoteAddress)) return { address: remoteAddress, secure, host };
    const hops = listOf(headers.get("x-forwarded-for"));
    let proxies = 1;
    let at = hops.length - 1;
    while (at > 0 && this.#trusts(hops[at]!)) {
      at--;
      proxies++;
    }
    const scheme = fromEnd(listOf(headers.get("x-forwarded-proto")), proxies)?.toLowerCase();
    return {
      address: at >= 0 ? hops[at]! : remoteAddress,
      secure: scheme === undefined ? secure : scheme === "https",
      host: fromEnd(listOf(headers.get("x-forwarded-host")), proxies) ?? host,
    };
  }

  #trusts(text: string): boolean {
    const address = parseAddress(text);
    return address !== undefined && this.#ranges.some((range) => inRange(address, range));
  }
}

/** What the outermost trusted proxy wrote. A shorter list was set, not appended to, by one further in. */
function fromEnd(list: readonly string[], count: number): string | undefined {
  return list.length === 0 ? undefined : list[Math.max(0, list.length - count)];
}
