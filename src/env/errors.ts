import { type AshlarError, failures } from "../std/errors.ts";

export const ENV_ERRORS = {
  FILE_EXISTS: { what: "A file with this name exists already.", advice: "Choose another name or remove the file." },
  FILE_MISSING: { what: "There is no file with this name.", advice: "Check the name and the data directory." },
  DISK_FULL: { what: "The disk is full.", advice: "Free space on the disk or add a larger one; nothing was lost." },
  DISK_FAILED: {
    what: "The disk reported an error.",
    advice: "Look at the kernel's log and the disk's health before the next start.",
  },
  DISK_LOCKED: {
    what: "Another process uses this data directory.",
    advice: "Stop the other process, or give this one its own --data-dir.",
  },
  INDEX_DAMAGED: {
    what: "The index is damaged.",
    advice: "Nothing to do: it is rebuilt from the last checkpoint and the log.",
  },
  ADDRESS_TAKEN: {
    what: "The address is already in use.",
    advice: "Stop what listens there, or name another port (0 takes any free one).",
  },
  ADDRESS_INVALID: { what: "The address can not be listened on.", advice: "Name an address of this machine." },
  TLS_INVALID: {
    what: "The certificate or its key can not be used.",
    advice: "Check that both files are readable PEM files and belong together.",
  },
  CLIENT_GONE: { what: "The client closed the connection.", advice: "Nothing to do." },
  CONNECTION_LOST: {
    what: "The connection broke before the reply was complete.",
    advice: "Try again; whether the request was carried out is not known.",
  },
  CONNECTION_REFUSED: {
    what: "Nothing listens at this address.",
    advice: "Check the address, and that the other server runs.",
  },
  HOST_UNREACHABLE: {
    what: "There is no way to this host.",
    advice: "Check the host's name and the network between the two machines.",
  },
  CONNECT_TIMED_OUT: {
    what: "The connection was not made in time.",
    advice: "Check that the other machine runs and that no firewall stands between the two.",
  },
  CONNECTION_RESET: {
    what: "The other side broke the connection off.",
    advice: "Look at the other side's log; a new connection may be made at once.",
  },
  CONNECTION_TIMED_OUT: {
    what: "The other machine does not answer any more.",
    advice: "Check that it runs, and the network between the two.",
  },
  TLS_REFUSED: {
    what: "The two sides of the connection did not agree on TLS.",
    advice: "Check that both use TLS, and that each one's certificate comes from the other's authorities and names it.",
  },
  REPLY_LENGTH_WRONG: {
    what: "The body of a reply was not as long as its content-length said, so the connection was broken off.",
    advice: "Repair or restore what the reply was made of.",
  },
  LIBRARY_MISSING: { what: "An optional package is not installed.", advice: "Install it with npm." },
} as const;

export type EnvErrorCode = keyof typeof ENV_ERRORS;
export type EnvError = AshlarError<EnvErrorCode>;

export const envFailure: ReturnType<typeof failures<typeof ENV_ERRORS>> = failures(ENV_ERRORS);
