// What every operation of the API goes through: routed, then authenticated, then authorized; only then is its body looked into and
// its handler called.

import type { HttpCall } from "../http/index.ts";
import { actEvent } from "./acts.ts";
import { hasCredential } from "./authenticate.ts";
import type { Asked, Endpoint } from "./endpoint.ts";
import { apiFailure } from "./errors.ts";
import type { EventLog, NewEvent } from "./events/event-log.ts";
import type { Guard, Known } from "./guard.ts";
import type { ApiRequest, Services } from "./handler.ts";
import { allHandlers } from "./handlers/index.ts";
import { parametersOf, parseBody, readBody, readQuery, UNPROVED_BYTES_MAX } from "./input.ts";
import type { OperationEntry, StreamReply } from "./operation.ts";
import { OPERATION_ENTRIES } from "./operations/index.ts";
import { replyEmpty, replyHeaders, replyJson } from "./reply.ts";
import { type Names, needOf } from "./request-context.ts";
import type { ObjectSchema } from "./schema.ts";
import { invalid } from "./validate.ts";

type AnyRequest = ApiRequest<OperationEntry>;
type AnyHandler = (request: AnyRequest) => Promise<unknown>;

export function operationEndpoints(services: Services, guard: Guard): Endpoint[] {
  // Each handler is checked against its entry where it is written; here they are all alike.
  const handlers = allHandlers(services) as unknown as Readonly<Record<string, AnyHandler>>;
  return OPERATION_ENTRIES.map((entry) => {
    const parts = { entry, handler: handlers[entry.name]!, guard, services, parameters: parametersOf(entry.query) };
    const answer = (call: HttpCall, asked: Asked): Promise<void> => answerOperation(parts, call, asked);
    return { name: entry.name, method: entry.method, path: entry.path, answer };
  });
}

interface OperationParts {
  readonly entry: OperationEntry;
  /** Of its query. */
  readonly parameters: ObjectSchema;
  readonly handler: AnyHandler;
  readonly guard: Guard;
  readonly services: Services;
}

async function answerOperation(
  { entry, parameters, handler, guard, services }: OperationParts,
  call: HttpCall,
  asked: Asked,
): Promise<void> {
  const isPublic = entry.access === "public";
  // Nothing is read for those who do not even claim to be somebody.
  if (!isPublic && !hasCredential(call)) throw apiFailure("SIGN_IN_REQUIRED");
  const known = isPublic ? undefined : await guard.identify(call, entry.body === "stream" ? "stream" : "json");
  const names = { path: asked.parameters, query: readQuery(asked.query, parameters) };
  if (known !== undefined) await authorize(entry, names, known);
  const bytes =
    entry.body === "stream"
      ? undefined
      : await (known === undefined
          ? readBody(call, UNPROVED_BYTES_MAX)
          : guard.signedBody(call, known, entry.bodyBytesMax));
  const headers: string[] = [];
  const request = {
    ...names,
    body: bodyOf(entry, bytes, call),
    caller: known?.caller,
    permissions: known?.permissions,
    call,
    replyHeaders: headers,
  };
  const result = await handler(request as unknown as AnyRequest);
  const { events } = services;
  const event = actEvent(entry, {
    ...{ path: names.path, actor: call.principal },
    ...{ address: call.origin.address, requestId: call.requestId },
  });
  if (event !== undefined && entry.reply !== "stream") events.record(event);
  const replied = reply(entry, call, result, headers);
  return event !== undefined && entry.reply === "stream" ? replyAndNote(events, event, replied) : replied;
}

async function authorize(entry: OperationEntry, names: Names, { caller, permissions }: Known): Promise<void> {
  if (entry.access === "root" && !permissions.isRoot) {
    throw apiFailure("ACCESS_DENIED", {
      what: "Only the root key may do this.",
      advice: "Do it with the root key: no policy can allow it.",
      data: { user: caller.principal.name },
    });
  }
  const need = needOf(entry, names);
  if (need !== undefined) await permissions.require(need);
}

function bodyOf({ body }: OperationEntry, bytes: Uint8Array | undefined, call: HttpCall): unknown {
  if (bytes === undefined) return undefined;
  if (body !== undefined && body !== "stream") return parseBody(bytes, call.headers.get("content-type"), body);
  if (bytes.length > 0) throw invalid("body", "is not taken by this operation");
  return undefined;
}

/** A stream is an act when its last byte is out; one that breaks off has let out some of it, and is told as that. */
async function replyAndNote(events: EventLog, event: NewEvent, reply: Promise<void>): Promise<void> {
  try {
    await reply;
    events.record(event);
  } catch (error) {
    events.record({ ...event, severity: "warning", text: `${event.text} The transfer broke off before its end.` });
    throw error;
  }
}

function reply(entry: OperationEntry, call: HttpCall, result: unknown, headers: readonly string[]): Promise<void> {
  if (entry.reply === "none") return replyEmpty(call, 204, headers);
  if (entry.reply === "stream" || entry.reply === "events") {
    const { status, headers: own, body, bodyBytes } = result as StreamReply;
    return call.reply(status, replyHeaders(call, own), body, bodyBytes);
  }
  return replyJson(call, entry.status ?? 200, result, headers);
}
