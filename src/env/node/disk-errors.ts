import { type EnvError, envFailure } from "../errors.ts";

/** The errno name that Node puts on the errors of system calls. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** The disk itself is well. */
const REFUSED_ADVICE =
  "Check the owner and the permissions of the data folder and the folders above it, and the user that Ashlar runs as.";

/**
 * What a failed system call on the named file means. A full disk is told apart because it can be repaired while we run.
 */
export function diskFailure(cause: unknown, operation: string, name: string): EnvError {
  const errno = systemCode(cause);
  const data = { name, operation, errno };
  switch (errno) {
    case "ENOENT":
      return envFailure("FILE_MISSING", { what: `There is no file "${name}".`, data, cause });
    case "EEXIST":
      return envFailure("FILE_EXISTS", { what: `The file "${name}" exists already.`, data, cause });
    case "ENOSPC":
    case "EDQUOT":
      return envFailure("DISK_FULL", { what: `The disk is full: could not ${operation} "${name}".`, data, cause });
    default: {
      const what = `Could not ${operation} "${name}" (${errno ?? cause}).`;
      const isRefused = errno === "EACCES" || errno === "EPERM" || errno === "ENOTDIR";
      return envFailure("DISK_FAILED", { what, data, cause, ...(isRefused && { advice: REFUSED_ADVICE }) });
    }
  }
}
