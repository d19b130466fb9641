// Finds the server that a command is about and the credential to call it with.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { SigningKeys } from "../codec/sigv4/index.ts";
import { ApiClient } from "./api-client.ts";
import { cliFailure } from "./errors.ts";
import { sha256 } from "./hashing.ts";
import { HttpTransport } from "./http-transport.ts";
import { readSecret } from "./option-sources.ts";

/** Taken by every command that calls a server. */
export const SERVER_ACCESS_OPTIONS = {
  api: { type: "text", default: "http://127.0.0.1:9100", text: "Address of the server's API (also ASHLAR_API)." },
  dataDir: {
    type: "text",
    default: "./data",
    text: "The server's data folder, whose root key serves where no other is given (also ASHLAR_DATA_DIR).",
  },
} as const;

export interface AccessSettings {
  readonly api: string;
  readonly dataDir: string;
  readonly environment: NodeJS.ProcessEnv;
}

interface Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
}

export class ServerAccess implements Disposable {
  readonly #settings: AccessSettings;
  #transport: HttpTransport | undefined;
  #client: Promise<ApiClient> | undefined;
  #credentials: Promise<Credentials> | undefined;

  constructor(settings: AccessSettings) {
    this.#settings = settings;
  }

  /** Rejects with CREDENTIAL_MISSING or SECRET_FILE_UNREADABLE. */
  client(): Promise<ApiClient> {
    this.#client ??= this.#connect();
    return this.#client;
  }

  credentials(): Promise<Credentials> {
    this.#credentials ??= findCredentials(this.#settings);
    return this.#credentials;
  }

  [Symbol.dispose](): void {
    this.#transport?.[Symbol.dispose]();
  }

  async #connect(): Promise<ApiClient> {
    const credentials = await this.credentials();
    const transport = new HttpTransport(this.#settings.api);
    this.#transport = transport;
    return new ApiClient({
      host: transport.host,
      credentials,
      keys: new SigningKeys(sha256, { entriesMax: 4 }),
      now: () => Date.now(),
      send: (request) => transport.send(request),
    });
  }
}

async function findCredentials({ environment, dataDir }: AccessSettings): Promise<Credentials> {
  const { ASHLAR_ACCESS_KEY: accessKey, ASHLAR_SECRET_KEY, ASHLAR_SECRET_KEY_FILE } = environment;
  if (accessKey !== undefined) {
    const secretKey =
      ASHLAR_SECRET_KEY ??
      (ASHLAR_SECRET_KEY_FILE && (await readSecret(ASHLAR_SECRET_KEY_FILE, "ASHLAR_SECRET_KEY_FILE")));
    if (secretKey !== undefined && secretKey !== "") return { accessKey, secretKey };
    throw cliFailure("CREDENTIAL_MISSING", { what: "ASHLAR_ACCESS_KEY is set, and ASHLAR_SECRET_KEY is not." });
  }
  const path = join(dataDir, "root-key.json");
  try {
    const { accessKey, secretKey } = JSON.parse(await readFile(path, "utf8")) as Credentials;
    if (typeof accessKey === "string" && typeof secretKey === "string") return { accessKey, secretKey };
  } catch (cause) {
    throw cliFailure("CREDENTIAL_MISSING", { what: `There is no access key, and ${path} can not be read.`, cause });
  }
  throw cliFailure("CREDENTIAL_MISSING", { what: `${path} does not hold a root key.` });
}
