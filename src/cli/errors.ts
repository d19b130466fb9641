import { type AshlarError, failures } from "../std/errors.ts";

/** What the command line itself fails with. The `USAGE` codes end with exit code 2, all others with 1. */
export const CLI_ERRORS = {
  USAGE_COMMAND: { what: "There is no such command.", advice: "`ashlar help` lists the commands." },
  USAGE_ARGUMENTS: { what: "The command takes other arguments.", advice: "Add --help to see which." },
  USAGE_OPTION: { what: "The command does not take this option.", advice: "Add --help to see which it takes." },
  CONFIG_UNREADABLE: {
    what: "The configuration file can not be read.",
    advice: "Give it as a JSON object of options.",
  },
  SECRET_FILE_UNREADABLE: { what: "A file with a secret can not be read.", advice: "Check its name and its mode." },
  SERVER_UNREACHABLE: {
    what: "The server does not answer.",
    advice: "Start it with `ashlar serve`, or name its address with --api or ASHLAR_API.",
  },
  SERVER_UNTRUSTED: {
    what: "The server's certificate is not trusted.",
    advice: "Name the file with its authority's certificate, or with its own, by --ca or ASHLAR_CA.",
  },
  CREDENTIAL_MISSING: {
    what: "There is no access key.",
    advice:
      "Set ASHLAR_ACCESS_KEY and ASHLAR_SECRET_KEY; on the server's machine give --data-dir, or its ASHLAR_ROOT_ variables.",
  },
  REPLY_UNREADABLE: {
    what: "The server's answer is not one of Ashlar's API.",
    advice: "Check that --api names the API's address, not that of S3 or of a proxy's error page.",
  },
  PATH_UNREADABLE: { what: "A file or folder can not be used.", advice: "Check its name, its kind and your rights." },
  HISTORY_EMPTY: {
    what: "The history holds no operation: nothing was checked.",
    advice: "Look whether what records it ran, and wrote to this file.",
  },
  PATH_EXISTS: { what: "There is a file of this name.", advice: "Name another one, or add --force to replace it." },
  TRANSFER_INCOMPLETE: {
    what: "Some objects could not be transferred.",
    advice: "The lines above say why; run it again.",
  },
  DATA_DAMAGED: {
    what: "The data holds damage.",
    advice: "Restore what is concerned from a copy; nothing wrong is ever served.",
  },
  BENCH_FAILED: { what: "Requests of the benchmark failed.", advice: "Look at the server's log." },
} as const;

export type CliErrorCode = keyof typeof CLI_ERRORS;
export type CliError = AshlarError<CliErrorCode>;

export const cliFailure: ReturnType<typeof failures<typeof CLI_ERRORS>> = failures(CLI_ERRORS);
