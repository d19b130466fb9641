import type { Random } from "../env/index.ts";
import { clientFailure } from "./errors.ts";

/** The servers of a cluster. Calls stay with one until it fails them, and each client begins with another. */
export class Nodes {
  readonly #urls: readonly URL[];
  #at: number;

  /** Throws URL_INVALID. */
  constructor(addresses: readonly string[], random: Random) {
    if (addresses.length === 0) throw clientFailure("URL_INVALID", { what: "There is no address." });
    this.#urls = addresses.map(parseAddress);
    this.#at = random.u32() % addresses.length;
  }

  get count(): number {
    return this.#urls.length;
  }

  get current(): URL {
    return this.#urls[this.#at]!;
  }

  /** Of many calls that meet the same fault the first one moves on. */
  leave(failed: URL): void {
    if (this.current === failed) this.#at = (this.#at + 1) % this.#urls.length;
  }
}

function parseAddress(address: string): URL {
  const url = URL.parse(/^[a-z]+:\/\//i.test(address) ? address : `http://${address}`);
  if (url !== null && (url.protocol === "http:" || url.protocol === "https:")) return url;
  throw clientFailure("URL_INVALID", { what: `${address} is no address of an API.`, data: { address } });
}
