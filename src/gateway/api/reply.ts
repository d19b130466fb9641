import { utf8 } from "../../std/bytes.ts";
import { AshlarError } from "../../std/errors.ts";
import type { HttpCall } from "../http/index.ts";
import { statusOf } from "./error-status.ts";

/** On every answer: no browser guesses a type, and no cache keeps what only one caller may see. */
const COMMON_HEADERS = [
  ...["X-Content-Type-Options", "nosniff", "Cross-Origin-Resource-Policy", "same-origin"],
  ...["Cache-Control", "no-store"],
];

/** `headers` later in the list win over the common ones where a browser reads only one: they come instead. */
export function replyHeaders(call: HttpCall, own: readonly string[]): string[] {
  const headers = ["X-Request-Id", call.requestId, ...own];
  const names = new Set(own.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase()));
  for (let at = 0; at < COMMON_HEADERS.length; at += 2) {
    if (!names.has(COMMON_HEADERS[at]!.toLowerCase())) headers.push(COMMON_HEADERS[at]!, COMMON_HEADERS[at + 1]!);
  }
  return headers;
}

export function replyJson(call: HttpCall, status: number, value: unknown, own: readonly string[] = []): Promise<void> {
  const headers = replyHeaders(call, ["Content-Type", "application/json", ...own]);
  return call.reply(status, headers, utf8(`${JSON.stringify(value)}\n`));
}

export function replyText(
  call: HttpCall,
  status: number,
  text: string,
  contentType = "text/plain; charset=utf-8",
): Promise<void> {
  return call.reply(status, replyHeaders(call, ["Content-Type", contentType]), utf8(text));
}

export function replyEmpty(call: HttpCall, status: 204 | 304 | 308, own: readonly string[] = []): Promise<void> {
  return call.reply(status, replyHeaders(call, own));
}

/** `{"error": {code, message, advice, requestId, data}}`, the same for every failure. */
export function replyError(call: HttpCall, error: unknown): Promise<void> {
  const failure = error instanceof AshlarError ? error : UNEXPECTED;
  const status = failure === UNEXPECTED ? 500 : statusOf(failure.code, call.operation);
  call.errorCode = failure.code;
  if (status === 304) return replyEmpty(call, 304);
  const { code, message, advice, data } = failure;
  const body = { error: { code, message, advice, requestId: call.requestId, data } };
  return replyJson(call, status, body, headersOf(status, failure));
}

/** In place of what is no operating error. */
export const UNEXPECTED: AshlarError = new AshlarError(
  "INTERNAL",
  "The server met an error that it did not expect.",
  "Look for the request's id in the server's log, and report what stands there.",
);

const RETRY_SECONDS = 1;

function headersOf(status: number, { data }: AshlarError): string[] {
  switch (status) {
    case 401:
      // A scheme that browsers do not know: no dialogue of theirs opens.
      return ["WWW-Authenticate", "AWS4-HMAC-SHA256"];
    case 405:
      return Array.isArray(data["allowed"]) ? ["Allow", data["allowed"].join(", ")] : [];
    case 429: {
      const { retryAfterMillis } = data;
      return ["Retry-After", String(typeof retryAfterMillis === "number" ? Math.ceil(retryAfterMillis / 1000) : 1)];
    }
    case 503:
      return ["Retry-After", String(RETRY_SECONDS)];
    default:
      return [];
  }
}
