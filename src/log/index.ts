export { LOG_ERRORS, type LogError, type LogErrorCode } from "./errors.ts";
export type { GroupIndex } from "./group-index.ts";
export { inspectLog, type LogDamage, type SegmentReport } from "./inspect.ts";
export { Log, type LogCounters, type LogSettings, type StoredEntry } from "./log.ts";
export { LOG_DEFAULTS, type LogOptions } from "./options.ts";
export type { HardState, LogPoint, LogRecord, MembershipMark } from "./record.ts";
