// A message of the binary protocol, all integers big-endian:
//
//   strict  | 0x80 0x01 0x00 kind | length of name, i32 | name | sequence, i32 | struct |
//   old     | length of name, i32 | name | kind, i8            | sequence, i32 | struct |
//
// The first bit tells them apart: no name is that long.

import type { ThriftStruct } from "./value.ts";

export const MESSAGE_KINDS = { call: 1, reply: 2, exception: 3, oneway: 4 } as const;

export type MessageKind = keyof typeof MESSAGE_KINDS;

/** Above the kind, where the header is strict. */
export const STRICT_VERSION = 0x8001;

export interface ThriftHeader {
  readonly kind: MessageKind;
  readonly name: string;
  /** A reply has its call's. */
  readonly sequence: number;
  /** Which of the two headers it has; who is answered is answered with the one that he used. */
  readonly isStrict: boolean;
}

export interface ThriftMessage extends ThriftHeader {
  readonly body: ThriftStruct;
}

/** What an answer says that is no answer of the method. Numbers of Thrift's own. */
export const APPLICATION_EXCEPTIONS = {
  unknown: 0,
  unknownMethod: 1,
  invalidMessageType: 2,
  wrongMethodName: 3,
  badSequence: 4,
  missingResult: 5,
  internalError: 6,
  protocolError: 7,
} as const;

export type ApplicationExceptionKind = keyof typeof APPLICATION_EXCEPTIONS;
