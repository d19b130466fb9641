import type { ByteSource } from "../../std/source.ts";
import { formFailure } from "./errors.ts";
import type { ContentLengthRange } from "./post-policy.ts";

/**
 * The same bytes, held to a range of lengths: fails with ENTITY_TOO_LARGE at the chunk that is too much, which is not
 * handed out, and with ENTITY_TOO_SMALL at the end.
 */
export function withinRange(source: ByteSource, range: ContentLengthRange): ByteSource {
  let length = 0;
  return {
    async read() {
      const chunk = await source.read();
      length += chunk?.length ?? 0;
      if (length > range.bytesMax) {
        const error = formFailure("ENTITY_TOO_LARGE", { data: { bytesMax: range.bytesMax } });
        source.cancel(error);
        throw error;
      }
      if (chunk === null && length < range.bytesMin) {
        throw formFailure("ENTITY_TOO_SMALL", { data: { bytes: length, bytesMin: range.bytesMin } });
      }
      return chunk;
    },
    cancel(reason) {
      source.cancel(reason);
    },
  };
}
