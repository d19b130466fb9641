export { type ActBy, actEventAs } from "./acts.ts";
export { type Api, type ApiOptions, type ApiParts, createApi } from "./api.ts";
export type { AssetSource } from "./assets.ts";
export { BACKUP_ERRORS, type BackupError, type BackupErrorCode } from "./backup/errors.ts";
export { type BackupManifest, MANIFEST_NAME } from "./backup/manifest.ts";
export { type BackupPiece, type BackupPieces, piecesOfArchive, piecesOfFolder } from "./backup/read.ts";
export {
  isUnfinishedRestore,
  RESTORE_MARK,
  type RestoreParts,
  type RestoreReport,
  restoreBackup,
} from "./backup/restore.ts";
export { API_ERRORS, type ApiError, type ApiErrorCode } from "./errors.ts";
export { type Event, EventLog, type NewEvent, type Severity } from "./events/event-log.ts";
export type { NodePort } from "./node.ts";
export { accessText, openApiDocument } from "./openapi.ts";
export type { BodyOf, OperationEntry, PathOf, QueryOf, ResultOf, StreamReply } from "./operation.ts";
export { OPERATION_GROUPS, type Operation, type OperationName } from "./operations/index.ts";
export { Metrics } from "./telemetry/metrics.ts";
