import { type AshlarError, failures } from "../../std/errors.ts";

export const THRIFT_ERRORS = {
  UNFRAMED: {
    what: "The client does not use the framed transport.",
    advice: "Put a TFramedTransport around the client's socket.",
  },
  FRAME_TOO_LARGE: {
    what: "A frame is longer than is taken here.",
    advice: "Send shorter arguments; where the client sends no frames, put a TFramedTransport around its socket.",
  },
  MESSAGE_MALFORMED: {
    what: "The bytes are no message of Thrift's binary protocol.",
    advice: "Use TBinaryProtocol over a TFramedTransport.",
  },
  VALUE_TOO_LARGE: {
    what: "A text of the message is too long, or its values are nested too deeply.",
    advice: "Send shorter arguments.",
  },
} as const;

export type ThriftErrorCode = keyof typeof THRIFT_ERRORS;
export type ThriftError = AshlarError<ThriftErrorCode>;

export const thriftFailure: ReturnType<typeof failures<typeof THRIFT_ERRORS>> = failures(THRIFT_ERRORS);
