export { decodeMessage, type OpenedMessage, openMessage } from "./decode.ts";
export { applicationException, encodeFrame, encodeMessage } from "./encode.ts";
export { THRIFT_ERRORS, type ThriftError, type ThriftErrorCode, thriftFailure } from "./errors.ts";
export { ThriftFrameParser } from "./frame-parser.ts";
export {
  APPLICATION_EXCEPTIONS,
  type ApplicationExceptionKind,
  type MessageKind,
  type ThriftHeader,
  type ThriftMessage,
} from "./message.ts";
export type { ThriftLimits } from "./reader.ts";
export {
  fieldOf,
  THRIFT_TYPES,
  type ThriftField,
  type ThriftStruct,
  type ThriftType,
  type ThriftValue,
} from "./value.ts";
