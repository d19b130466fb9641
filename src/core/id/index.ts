export { AshlarError } from "../../std/errors.ts";
export { BlockCounter, type NumberBlock } from "./block-counter.ts";
export { BLOCK_SIZE_RULE, type BlockSizeRule, nextBlockSize } from "./block-size.ts";
export { type DecodedId, decodeId, firstIdOf, workerPartsOf } from "./decode.ts";
export { base32, base62, decimal, ENCODINGS, hex, type IdEncoding } from "./encodings.ts";
export { ID_ERRORS, type IdError, type IdErrorCode } from "./errors.ts";
export { type ExplainOptions, explainId } from "./explain.ts";
export { IdGenerator, type IdGeneratorOptions } from "./generator.ts";
export {
  byteLengthOf,
  type CustomLayout,
  defineLayout,
  type IdLayout,
  LAYOUTS,
  type LayoutName,
  widthOf,
} from "./layout.ts";
export type { TimeOptions } from "./logical-time.ts";
export type { OrderedTimeOptions } from "./ordered-millis.ts";
export { KeyedPermutation } from "./permutation.ts";
export type { RandomBytes } from "./random-pool.ts";
export type { IdField, IdReading } from "./reading.ts";
export { ID_BUGS, type IdBug, type IdBugs } from "./seeded-bugs.ts";
export { formatUlid, parseUlid, UlidGenerator, type UlidOptions } from "./ulid.ts";
export { formatUuid, parseUuid } from "./uuid.ts";
export { UuidTimeGenerator, type UuidTimeOptions } from "./uuid-time.ts";
export { UuidV4Generator } from "./uuid-v4.ts";
export { UuidV7Generator, type UuidV7Options } from "./uuid-v7.ts";
