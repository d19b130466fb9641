import type { Sha256 } from "../codec/sigv4/index.ts";
import { webHmacSha256, webSha256 } from "../env/web/index.ts";
import { nodeModule } from "./platform.ts";

interface NodeHash {
  update(bytes: Uint8Array): NodeHash;
  digest(): Uint8Array;
}

interface NodeCrypto {
  createHash(name: "sha256"): NodeHash;
  createHmac(name: "sha256", key: Uint8Array): NodeHash;
}

/** Node's own where it is there, which is many times faster. */
export function platformSha256(): Sha256 {
  const crypto = nodeModule<NodeCrypto>("node:crypto");
  if (crypto === undefined) return { hash: webSha256, hmac: webHmacSha256 };
  const digest = (running: NodeHash, parts: readonly Uint8Array[]): Uint8Array => {
    for (const part of parts) running.update(part);
    return running.digest();
  };
  return {
    hash: (...parts) => digest(crypto.createHash("sha256"), parts),
    hmac: (key, ...parts) => digest(crypto.createHmac("sha256", key), parts),
  };
}
