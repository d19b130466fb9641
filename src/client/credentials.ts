// Where the client finds a server and a credential that it was not given: in the environment, and on the server's own
// machine in its data folder, as the command line does.

import type { SecretCredentials } from "../codec/sigv4/index.ts";
import { clientFailure } from "./errors.ts";
import { environment, nodeModule } from "./platform.ts";

interface NodeFiles {
  readFile(path: string, encoding: "utf8"): Promise<string>;
}

/** Of ASHLAR_API, which may name several, separated by commas. */
export function addressesFound(): readonly string[] {
  const named = environment["ASHLAR_API"]?.split(",").map((address) => address.trim());
  return named?.filter((address) => address !== "") ?? ["http://127.0.0.1:9100"];
}

/** Undefined in a browser: there the session's cookie speaks for the user. Rejects with CREDENTIAL_MISSING. */
export async function credentialsFound(): Promise<SecretCredentials | undefined> {
  const files = nodeModule<NodeFiles>("node:fs/promises");
  const accessKey = environment["ASHLAR_ACCESS_KEY"];
  if (accessKey !== undefined) {
    const secretKey =
      environment["ASHLAR_SECRET_KEY"] ?? (await secretIn(files, environment["ASHLAR_SECRET_KEY_FILE"]));
    if (secretKey) return { accessKey, secretKey };
    throw clientFailure("CREDENTIAL_MISSING", { what: "ASHLAR_ACCESS_KEY is set, and ASHLAR_SECRET_KEY is not." });
  }
  if (files === undefined) return undefined;
  const path = `${environment["ASHLAR_DATA_DIR"] ?? "./data"}/root-key.json`;
  try {
    const { accessKey: rootKey, secretKey } = JSON.parse(await files.readFile(path, "utf8"));
    return { accessKey: rootKey, secretKey };
  } catch (cause) {
    throw clientFailure("CREDENTIAL_MISSING", { what: `There is no access key, and ${path} can not be read.`, cause });
  }
}

async function secretIn(files: NodeFiles | undefined, path: string | undefined): Promise<string | undefined> {
  if (files === undefined || path === undefined) return undefined;
  try {
    return (await files.readFile(path, "utf8")).replace(/\r?\n$/, "");
  } catch (cause) {
    throw clientFailure("CREDENTIAL_MISSING", { what: "The file of ASHLAR_SECRET_KEY_FILE can not be read.", cause });
  }
}
