export { OBJECT_ERRORS, type ObjectError, type ObjectErrorCode, objectFailure } from "./errors.ts";
export { objectReferences } from "./named.ts";
export * from "./objects.ts";
export { type NamedOwner, nameOfOwner, splitOwner } from "./owner-name.ts";
export { OBJECT_BUGS, type ObjectBug, type ObjectBugs } from "./seeded-bugs.ts";
export { type ObjectsParts, openObjects } from "./service.ts";
