import { EMPTY } from "../../std/bytes.ts";
import { ByteWriter } from "../../std/writer.ts";
import { decode, FRAME_HEADER_BYTES, FRAME_KINDS, frameHeader, wholeFrame } from "../wire.ts";

// Calls over one connection, many at a time. Each frame's payload begins with the call's number (u32), which the caller
// counts up and never uses again on the connection.
//
//      caller                                         who is called
//      ------                                         -------------
//      request  method, time-out, body?, head  ---->
//      data     bytes of the request's body    ---->
//      end      of that body                   ---->
//                                              <----  reply    body?, head        or   failure  code, text, advice, facts
//                                              <----  data     bytes of the reply's body
//                                              <----  end      of that body       or   failure
//      cancel   no answer is wanted any more   ---->
//
//      credit   so many bytes of your body are taken in: so many more may come       (either way)
//      stop     no more of your body is wanted                                       (either way)
//
// A call is over with the end of the reply: what is left of the request's body is not sent.
//
// Of a body at most a window is under way that the other side has not given credit for. A frame of a call that is over
// here may still come, and is dropped.

/** Of one data frame, so that calls on one connection take turns. */
export const DATA_BYTES_MAX = 65_536;
const NUMBER_BYTES = 4;
const FAILURE_FACTS_LENGTH_MAX = 8_192;

export interface RequestFrame {
  readonly call: number;
  readonly method: number;
  /** 0: none. */
  readonly timeoutMillis: number;
  readonly hasBody: boolean;
  readonly head: Uint8Array;
}

export interface ReplyFrame {
  readonly call: number;
  readonly hasBody: boolean;
  readonly head: Uint8Array;
}

export interface FailureFrame {
  readonly call: number;
  readonly code: string;
  readonly what: string;
  readonly advice: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export function requestFrame({ call, method, timeoutMillis, hasBody, head }: RequestFrame): Uint8Array {
  const writer = new ByteWriter(head.length + 24).u32(call).varint(method).varint(timeoutMillis);
  return wholeFrame(FRAME_KINDS.request, writer.u8(hasBody ? 1 : 0).raw(head));
}

export function replyFrame({ call, hasBody, head }: ReplyFrame): Uint8Array {
  const writer = new ByteWriter(head.length + 8)
    .u32(call)
    .u8(hasBody ? 1 : 0)
    .raw(head);
  return wholeFrame(FRAME_KINDS.reply, writer);
}

export function failureFrame({ call, code, what, advice, data }: FailureFrame): Uint8Array {
  const facts = JSON.stringify(data);
  const writer = new ByteWriter().u32(call).string(code).string(what).string(advice);
  return wholeFrame(FRAME_KINDS.failure, writer.string(facts.length > FAILURE_FACTS_LENGTH_MAX ? "{}" : facts));
}

/** The bytes are copied: a source may use their memory again. */
export function dataFrame(call: number, bytes: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + NUMBER_BYTES + bytes.length);
  const payload = frame.subarray(FRAME_HEADER_BYTES);
  new DataView(payload.buffer, payload.byteOffset).setUint32(0, call, true);
  payload.set(bytes, NUMBER_BYTES);
  frame.set(frameHeader(FRAME_KINDS.data, payload));
  return frame;
}

export function creditFrame(call: number, bytes: number): Uint8Array {
  return wholeFrame(FRAME_KINDS.credit, new ByteWriter(8).u32(call).u32(bytes));
}

/** Those that say nothing but which call they are of. */
export function signalFrame(kind: "end" | "stop" | "cancel", call: number): Uint8Array {
  return wholeFrame(FRAME_KINDS[kind], new ByteWriter(4).u32(call));
}

/** The call that a frame is of, and the rest of its payload; undefined where it is too short. */
export function callOf(payload: Uint8Array): readonly [call: number, rest: Uint8Array] | undefined {
  if (payload.length < NUMBER_BYTES) return undefined;
  const call = new DataView(payload.buffer, payload.byteOffset).getUint32(0, true);
  return [call, payload.length === NUMBER_BYTES ? EMPTY : payload.subarray(NUMBER_BYTES)];
}

export function decodeRequest(call: number, rest: Uint8Array): RequestFrame | undefined {
  return decode(rest, (reader) => {
    const [method, timeoutMillis, hasBody] = [reader.varint(), reader.varint(), reader.u8() === 1];
    return { call, method, timeoutMillis, hasBody, head: reader.raw(reader.remaining) };
  });
}

export function decodeReply(call: number, rest: Uint8Array): ReplyFrame | undefined {
  return decode(rest, (reader) => ({ call, hasBody: reader.u8() === 1, head: reader.raw(reader.remaining) }));
}

export function decodeFailure(call: number, rest: Uint8Array): FailureFrame | undefined {
  return decode(rest, (reader) => {
    const [code, what, advice, facts] = [reader.string(), reader.string(), reader.string(), reader.string()];
    const data = factsOf(facts);
    return data === undefined || reader.remaining > 0 ? undefined : { call, code, what, advice, data };
  });
}

export function decodeCredit(rest: Uint8Array): number | undefined {
  return decode(rest, (reader) => {
    const bytes = reader.u32();
    return reader.remaining === 0 ? bytes : undefined;
  });
}

function factsOf(json: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const facts: unknown = JSON.parse(json);
    return typeof facts === "object" && facts !== null ? (facts as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
