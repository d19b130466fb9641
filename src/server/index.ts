export { SERVER_ERRORS, type ServerError, type ServerErrorCode } from "./errors.ts";
export { SERVER_OPTIONS, type ServerOptions } from "./options.ts";
export { type RunningServer, resolveServerOptions, type StartOptions, startNode, startServer } from "./start.ts";
