export { type AccessRecord, type HttpObserver, joinObservers, maskTarget, SILENT_OBSERVER } from "./access-record.ts";
export { HTTP_STATUS, SIGV4_STATUS } from "./error-status.ts";
export { HTTP_ERRORS, type HttpError, type HttpErrorCode, httpFailure } from "./errors.ts";
export { DateHeader, parseHttpDate } from "./http-date.ts";
export { MeteredBody, PACE_DEFAULTS, type PaceLimits } from "./metered-body.ts";
export { listOf, parseLength, RequestHeaders } from "./request-headers.ts";
export { RequestIds } from "./request-ids.ts";
export { type Answering, createShell, HttpCall, type ShellParts } from "./shell.ts";
export { type ClientOrigin, TrustedProxies } from "./trusted-proxies.ts";
