import type { Objects } from "../service/objects/index.ts";
import { hasCode } from "../std/errors.ts";

/** `--create-bucket`: those that exist already stay as they are. What the root key makes belongs to `root`, whatever the key is. */
export async function createBuckets(objects: Objects, names: readonly string[], owner = "root"): Promise<void> {
  for (const name of names) {
    try {
      await objects.createBucket(name, owner);
    } catch (error) {
      if (!hasCode(error, "BUCKET_OWNED_BY_YOU") && !hasCode(error, "BUCKET_EXISTS")) throw error;
    }
  }
}
