export { EventStreamDecoder, type EventStreamLimits } from "./decode.ts";
export { encodeComment, encodeEvent, encodeRetry } from "./encode.ts";
export type { StreamEvent } from "./event.ts";
