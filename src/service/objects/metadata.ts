import { utf8 } from "../../std/bytes.ts";
import { objectFailure } from "./errors.ts";
import { OBJECT_LIMITS, type ObjectMetadata, type Tags } from "./objects.ts";

const TAG_KEY_CHARACTERS_MAX = 128;
const TAG_VALUE_CHARACTERS_MAX = 256;

export function checkMetadata({ user }: ObjectMetadata): void {
  let bytes = 0;
  for (const [name, value] of user) bytes += utf8(name).length + utf8(value).length;
  if (bytes > OBJECT_LIMITS.userMetadataBytesMax) throw objectFailure("METADATA_TOO_LARGE", { data: { bytes } });
}

export function checkTags(tags: Tags | undefined): void {
  if (tags === undefined) return;
  if (tags.size > OBJECT_LIMITS.tagsMax) throw objectFailure("TAG_INVALID", { data: { tags: tags.size } });
  for (const [key, value] of tags) {
    const keyLength = [...key].length;
    const isValid =
      keyLength > 0 && keyLength <= TAG_KEY_CHARACTERS_MAX && [...value].length <= TAG_VALUE_CHARACTERS_MAX;
    if (!isValid) throw objectFailure("TAG_INVALID", { data: { key } });
  }
}
