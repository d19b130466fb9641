import type { Clock, Exchange, Random } from "../../env/index.ts";
import { AshlarError, hasCode } from "../../std/errors.ts";
import type { ByteSource } from "../../std/source.ts";
import { type HttpObserver, maskTarget, SILENT_OBSERVER } from "./access-record.ts";
import { httpFailure } from "./errors.ts";
import { DateHeader } from "./http-date.ts";
import { MeteredBody, PACE_DEFAULTS, type PaceLimits } from "./metered-body.ts";
import { RequestHeaders } from "./request-headers.ts";
import { RequestIds } from "./request-ids.ts";
import type { ClientOrigin, TrustedProxies } from "./trusted-proxies.ts";

export interface ShellParts {
  /** The gateway's name in records. */
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly trustedProxies: TrustedProxies;
  readonly observer?: HttpObserver | undefined;
  readonly pace?: PaceLimits | undefined;
  /** Requests answered at once; one more is refused with TOO_MANY_REQUESTS. */
  readonly requestsMax: number;
}

/** How a gateway answers. `answer` rejects to have `refuse` answer in its place, as long as no reply has begun. */
export interface Answering {
  answer(call: HttpCall): Promise<void>;
  refuse(call: HttpCall, error: unknown): Promise<void>;
}

/** One request on its way through a gateway, with what the access record says about it in the end. */
export class HttpCall {
  readonly exchange: Exchange;
  readonly headers: RequestHeaders;
  readonly requestId: string;
  readonly origin: ClientOrigin;
  readonly body: MeteredBody;
  readonly hostId: string;
  readonly #date: DateHeader;
  operation: string | undefined;
  principal: string | undefined;
  errorCode: string | undefined;
  status = 0;
  bytesSent = 0;

  constructor(exchange: Exchange, shell: ShellState) {
    this.exchange = exchange;
    this.headers = new RequestHeaders(exchange.rawHeaders);
    this.requestId = shell.ids.next();
    this.hostId = shell.ids.hostId;
    this.origin = shell.trustedProxies.originOf(exchange.remoteAddress, exchange.secure, this.headers);
    this.body = new MeteredBody(exchange.body, shell.clock, shell.pace);
    this.#date = shell.date;
  }

  /** `headers` may be added to; `bodyBytes` is the length of a body that is a source. */
  reply(status: number, headers: string[], body?: Uint8Array | ByteSource, bodyBytes = 0): Promise<void> {
    this.status = status;
    this.bytesSent = body instanceof Uint8Array ? body.length : bodyBytes;
    headers.push("Date", this.#date.value());
    return this.exchange.reply(status, headers, body);
  }
}

interface ShellState {
  readonly clock: Clock;
  readonly ids: RequestIds;
  readonly date: DateHeader;
  readonly pace: PaceLimits;
  readonly trustedProxies: TrustedProxies;
}

/**
 * What every HTTP gateway needs around its own work: a request id, one answer and only one, no error that escapes, a
 * limit on what runs at once, and one record of each request when it is over.
 */
export function createShell(parts: ShellParts, answering: Answering): (exchange: Exchange) => void {
  const { clock, observer = SILENT_OBSERVER } = parts;
  const state: ShellState = {
    clock,
    ids: new RequestIds(parts.random),
    date: new DateHeader(clock),
    pace: parts.pace ?? PACE_DEFAULTS,
    trustedProxies: parts.trustedProxies,
  };
  let running = 0;
  return (exchange) => {
    const startedMillis = clock.now();
    const started = clock.monotonic();
    const call = new HttpCall(exchange, state);
    observer.started();
    running++;
    const answered = running > parts.requestsMax ? overload(call, answering, observer) : run(call, answering, observer);
    void answered.then((complete) => {
      running--;
      exchange.body.cancel();
      observer.finished({
        gateway: parts.name,
        requestId: call.requestId,
        startedMillis,
        durationMillis: clock.monotonic() - started,
        remoteAddress: call.origin.address,
        method: exchange.method,
        target: maskTarget(exchange.target),
        userAgent: call.headers.get("user-agent"),
        operation: call.operation,
        principal: call.principal,
        status: call.status,
        errorCode: call.errorCode,
        bytesReceived: call.body.bytesRead,
        bytesSent: call.bytesSent,
        complete,
      });
    });
  };
}

function overload(call: HttpCall, answering: Answering, observer: HttpObserver): Promise<boolean> {
  return refuse(call, answering, observer, httpFailure("TOO_MANY_REQUESTS"));
}

/** Never rejects; true where the whole reply went out. */
async function run(call: HttpCall, answering: Answering, observer: HttpObserver): Promise<boolean> {
  try {
    await answering.answer(call);
    return true;
  } catch (error) {
    return refuse(call, answering, observer, error);
  }
}

async function refuse(call: HttpCall, answering: Answering, observer: HttpObserver, error: unknown): Promise<boolean> {
  if (!(error instanceof AshlarError)) observer.unexpected(error, call.requestId);
  if (call.exchange.replied) {
    call.errorCode ??= error instanceof AshlarError ? error.code : "INTERNAL";
    return false;
  }
  if (hasCode(error, "CLIENT_GONE")) {
    call.errorCode = "CLIENT_GONE";
    // Ends the exchange on this side; nobody listens.
    await call.reply(499, ["Connection", "close"]).catch(() => {});
    call.status = 0;
    return false;
  }
  try {
    await answering.refuse(call, error);
    return true;
  } catch (second) {
    if (!(second instanceof AshlarError)) observer.unexpected(second, call.requestId);
    if (!call.exchange.replied) await call.reply(500, ["Content-Length", "0"]).catch(() => {});
    return false;
  }
}
