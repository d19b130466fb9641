export { LOG_ERRORS, type LogError, type LogErrorCode, logFailure } from "./errors.ts";
export type { GroupIndex } from "./group-index.ts";
export { inspectLog, type LogDamage, type SegmentReport } from "./inspect.ts";
export { type DamagedGroup, Log, type LogSettings } from "./log.ts";
export type { LogCounters } from "./log-writer.ts";
export { LOG_DEFAULTS, type LogOptions } from "./options.ts";
export type { GroupDamage, HardState, LogPoint, LogRecord, MembershipMark } from "./record.ts";
export type { StoredEntry } from "./run-reader.ts";
export { LOG_BUGS, type LogBug, type LogBugs } from "./seeded-bugs.ts";
