// The client's requests over node:http or node:https, on connections that are kept. Bodies stream in both directions, with
// back-pressure.

import { type AgentOptions, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type ByteSource, chunksOf, sourceFrom } from "../std/source.ts";
import type { ClientReply, ClientRequest } from "./api-client.ts";
import { cliFailure } from "./errors.ts";

export class HttpTransport implements Disposable {
  readonly host: string;
  readonly #url: URL;
  readonly #agent: HttpAgent;

  /** `authorities` are PEM texts; those that Node trusts where left out. Throws USAGE_OPTION where the address is none. */
  constructor(address: string, authorities?: readonly string[]) {
    const url = URL.parse(/^[a-z]+:\/\//i.test(address) ? address : `http://${address}`);
    if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
      throw cliFailure("USAGE_OPTION", { what: `${address} is no address of an API, like http://127.0.0.1:9100.` });
    }
    this.#url = url;
    this.host = url.host;
    const options = { keepAlive: true, maxSockets: 64 };
    this.#agent = url.protocol === "https:" ? httpsAgent(options, authorities) : new HttpAgent(options);
  }

  /** Rejects with SERVER_UNREACHABLE or SERVER_UNTRUSTED, or as the body does. */
  async send({ method, target, rawHeaders, body, bodyBytes, signal }: ClientRequest): Promise<ClientReply> {
    const { protocol, hostname, port } = this.#url;
    const send = protocol === "https:" ? httpsRequest : httpRequest;
    const headers = [...rawHeaders];
    const isBytes = body instanceof Uint8Array;
    const length = isBytes ? body.length : bodyBytes;
    if (length !== undefined) headers.push("content-length", String(length));
    else if (body !== undefined) headers.push("transfer-encoding", "chunked");
    const host = hostname.replace(/^\[|\]$/g, "");
    const request = send({
      ...{ method, host, port, path: target, headers, agent: this.#agent, setDefaultHeaders: false },
      ...(signal && { signal }),
    });
    let bodyFailure: unknown;
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      request.once("response", resolve);
      request.once("error", reject);
    });
    try {
      if (body === undefined || isBytes) request.end(body);
      else {
        // A server may refuse before it has read everything: then its answer counts, and not that the rest can not be sent.
        const watched = failing(body, (error) => {
          bodyFailure = error;
        });
        pipeline(Readable.from(chunksOf(watched), { objectMode: false }), request).catch(() => {});
      }
      return replyOf(await answered);
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      if (bodyFailure !== undefined) throw bodyFailure;
      throw connectionFailure(this.#url.origin, cause);
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

/** The same source; tells of the failure of a read. */
function failing(source: ByteSource, onFailure: (error: unknown) => void): ByteSource {
  return {
    async read() {
      try {
        return await source.read();
      } catch (error) {
        onFailure(error);
        throw error;
      }
    },
    cancel: (reason) => source.cancel(reason),
  };
}

/** With TLS that trusts these authorities, or those that Node trusts. */
export function httpsAgent(options: AgentOptions, authorities: readonly string[] | undefined): HttpsAgent {
  return new HttpsAgent({ ...options, ...(authorities && { ca: [...authorities] }) });
}

/** What is wrong with a certificate that no other authority would make good. */
const CERTIFICATE_ADVICE: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "Give the server a new certificate.",
  CERT_NOT_YET_VALID: "Check the clocks of both machines.",
  ERR_TLS_CERT_ALTNAME_INVALID: "Call the server by a name that its certificate holds.",
};

/** As OpenSSL names the ways in which a chain of certificates does not end in a trusted one. */
const UNTRUSTED = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "CERT_UNTRUSTED",
]);

export function connectionFailure(origin: string, cause: unknown): Error {
  const code = (cause as NodeJS.ErrnoException).code ?? "";
  const advice = CERTIFICATE_ADVICE[code];
  if (advice === undefined && !UNTRUSTED.has(code)) {
    return cliFailure("SERVER_UNREACHABLE", { what: `${origin} does not answer`, cause });
  }
  const what = `The certificate of ${origin} is not trusted.`;
  return cliFailure("SERVER_UNTRUSTED", { what, cause, ...(advice !== undefined && { advice }) });
}

function replyOf(response: IncomingMessage): ClientReply {
  return {
    status: response.statusCode ?? 0,
    header(name) {
      const value = response.headers[name];
      return Array.isArray(value) ? value.join(", ") : value;
    },
    body: sourceFrom(response),
  };
}
