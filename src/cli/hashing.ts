import { createHash, createHmac, hash } from "node:crypto";
import type { Sha256 } from "../codec/sigv4/index.ts";

/** For signatures. */
export const sha256: Sha256 = {
  hash(...parts) {
    if (parts.length === 1) return hash("sha256", parts[0]!, "buffer");
    const running = createHash("sha256");
    for (const part of parts) running.update(part);
    return running.digest();
  },
  hmac(key, ...parts) {
    const running = createHmac("sha256", key);
    for (const part of parts) running.update(part);
    return running.digest();
  },
};
