export { LEAF_ERRORS, type LeafError, type LeafErrorCode } from "./errors.ts";
export { createLeafGateway, type LeafParts, type SegmentTagRow, type SegmentTags } from "./gateway.ts";
