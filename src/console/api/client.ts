import { type Input, methodOf, type OperationName, type ReplyOf, urlOf } from "./operations.ts";
import type { Failure } from "./shapes.ts";

/** What an operation failed with, in the server's own words. */
export class ApiFailure extends Error {
  override readonly name = "ApiFailure";
  readonly code: string;
  readonly advice: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly requestId: string;

  constructor({ code, message, advice, data, requestId }: Failure) {
    super(message);
    this.code = code;
    this.advice = advice;
    this.data = data;
    this.requestId = requestId;
  }
}

export interface ClientParts {
  readonly fetch: (url: string, options: RequestInit) => Promise<Response>;
  /** Called where the server does not know the session any more. */
  readonly onSessionEnd: () => void;
}

/** The operations of /v1, called with the session's cookie. They reject with ApiFailure, or with AbortError where they are aborted. */
export class Client {
  readonly #parts: ClientParts;

  constructor(parts: ClientParts) {
    this.#parts = parts;
  }

  async call<Name extends OperationName>(name: Name, input: Input<Name>): Promise<ReplyOf<Name>> {
    const { body, signal } = input as { body?: unknown; signal?: AbortSignal };
    const options: RequestInit = { method: methodOf(name), headers: { Accept: "application/json" } };
    if (signal !== undefined) options.signal = signal;
    if (body !== undefined) {
      options.headers = { Accept: "application/json", "Content-Type": "application/json" };
      options.body = JSON.stringify(body);
    }
    const response = await this.#fetch(urlOf(name, input), options);
    if (response.ok) return (response.status === 204 ? undefined : await response.json()) as ReplyOf<Name>;
    const failure = await failureOf(response);
    if (failure.code === "SIGN_IN_REQUIRED") this.#parts.onSessionEnd();
    throw failure;
  }

  async #fetch(url: string, options: RequestInit): Promise<Response> {
    try {
      return await this.#parts.fetch(url, options);
    } catch (error) {
      if (options.signal?.aborted === true) throw error;
      throw unreachable();
    }
  }
}

export function unreachable(): ApiFailure {
  return new ApiFailure({
    code: "UNREACHABLE",
    message: "The server does not answer.",
    advice: "Check that it runs and that this machine reaches it, then try again.",
    data: {},
    requestId: "",
  });
}

/** What a text body says, where it is the API's form of a failure; what the status says otherwise (a proxy's page, for instance). */
export function parseFailure(status: number, text: string): ApiFailure {
  try {
    const { error } = JSON.parse(text) as { error?: Failure };
    if (typeof error?.code === "string") return new ApiFailure(error);
  } catch {
    // Not JSON: told below.
  }
  return new ApiFailure({
    code: `HTTP_${status}`,
    message: `The server, or a proxy in front of it, answered with status ${status}.`,
    advice: "Try again; the server's log has more.",
    data: {},
    requestId: "",
  });
}

async function failureOf(response: Response): Promise<ApiFailure> {
  return parseFailure(response.status, await response.text().catch(() => ""));
}
