// What clients of Twitter's Snowflake service ask, and how they are answered. Its interface, in Thrift's language:
//
//     i64 get_worker_id()    i64 get_timestamp()    i64 get_id(1: string useragent)    i64 get_datacenter_id()
//
// It knows two exceptions, InvalidSystemClock and InvalidUserAgentError, but no method declares that it throws them: a client
// made from it could not read them as such, and would learn nothing but that there was no result. So they travel as its
// server's did, as TApplicationException, with the exception's name at the beginning of the text.

import {
  type ApplicationExceptionKind,
  applicationException,
  fieldOf,
  openMessage,
  type ThriftHeader,
  type ThriftMessage,
  type ThriftStruct,
} from "../../codec/thrift/index.ts";
import { text } from "../../std/bytes.ts";
import { AshlarError } from "../../std/errors.ts";
import { THRIFT_LIMITS } from "./limits.ts";

/** What a method's answer is made of: an id of now, or the clock. A request that is refused needs nothing. */
export type Need = "id" | "worker" | "datacenter" | "time";

export interface ThriftRequest {
  readonly header: ThriftHeader;
  readonly need: Need | Refusal;
}

export interface Refusal {
  readonly kind: ApplicationExceptionKind;
  readonly text: string;
}

/** The request in a frame. Throws MESSAGE_MALFORMED and VALUE_TOO_LARGE where not even its beginning can be read. */
export function readRequest(frame: Uint8Array): ThriftRequest {
  const { header, body } = openMessage(frame, THRIFT_LIMITS);
  try {
    return { header, need: needOf(header, body()) };
  } catch (error) {
    if (!(error instanceof AshlarError)) throw error;
    return { header, need: { kind: "protocolError", text: textOf(error) } };
  }
}

/** One that is sent `oneway` is answered with nothing. */
export function wantsReply({ header }: ThriftRequest): boolean {
  return header.kind !== "oneway";
}

export function replyOf(header: ThriftHeader, value: bigint): ThriftMessage {
  return { ...header, kind: "reply", body: [{ id: 0, value: { type: "i64", value } }] };
}

export function refusalOf(header: ThriftHeader, { kind, text }: Refusal): ThriftMessage {
  return applicationException(header, kind, text);
}

/** Why there is no id now. Of what is no operating error nothing is told. */
export function unavailable(error: unknown): Refusal {
  if (!(error instanceof AshlarError)) return { kind: "internalError", text: "This is an error of the server." };
  const name = CLOCK_CODES.has(error.code) ? "InvalidSystemClock" : error.code;
  return { kind: "internalError", text: `${name}: ${textOf(error)}` };
}

const METHODS: ReadonlyMap<string, Need> = new Map([
  ["get_id", "id"],
  ["get_worker_id", "worker"],
  ["get_datacenter_id", "datacenter"],
  ["get_timestamp", "time"],
]);
const CLOCK_CODES: ReadonlySet<string> = new Set(["CLOCK_BEHIND", "CLOCK_BEFORE_EPOCH", "TIME_EXHAUSTED"]);
const USERAGENT = /^[a-zA-Z][a-zA-Z\-0-9]*$/;

function needOf({ kind, name }: ThriftHeader, body: ThriftStruct): Need | Refusal {
  if (kind === "reply" || kind === "exception")
    return { kind: "invalidMessageType", text: "A client sends calls, not replies." };
  const need = METHODS.get(name);
  if (need === undefined) return { kind: "unknownMethod", text: `Invalid method name: '${name}'` };
  const useragent = fieldOf(body, 1, "binary")?.value;
  if (need !== "id" || (useragent !== undefined && USERAGENT.test(text(useragent)))) return need;
  return {
    kind: "internalError",
    text: "InvalidUserAgentError: the useragent is a letter and behind it letters, digits and hyphens.",
  };
}

function textOf({ message, advice }: AshlarError): string {
  return `${message} ${advice}`;
}
