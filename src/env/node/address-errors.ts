import { type EnvError, envFailure } from "../errors.ts";
import { systemCode } from "./disk-errors.ts";

/** Why nothing can listen there. */
export function addressFailure(cause: Error, host: string, port: number): EnvError {
  const data = { host, port };
  if (systemCode(cause) === "EADDRINUSE") {
    return envFailure("ADDRESS_TAKEN", { what: `The address ${host}:${port} is already in use.`, data, cause });
  }
  const what = `The address ${host}:${port} can not be listened on (${systemCode(cause) ?? cause}).`;
  return envFailure("ADDRESS_INVALID", { what, data, cause });
}
