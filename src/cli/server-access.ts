// Finds the server that a command is about and the credential to call it with.

import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { getCACertificates } from "node:tls";
import { SigningKeys } from "../codec/sigv4/index.ts";
import { ApiClient } from "./api-client.ts";
import { cliFailure } from "./errors.ts";
import { sha256 } from "./hashing.ts";
import { HttpTransport } from "./http-transport.ts";
import { readInput } from "./local-files.ts";
import { readSecret } from "./option-sources.ts";

/** Taken by every command that calls a server. */
export const SERVER_ACCESS_OPTIONS = {
  api: { type: "text", default: "http://127.0.0.1:9100", text: "Address of the server's API (also ASHLAR_API)." },
  dataDir: {
    type: "text",
    default: "./data",
    text: "The server's data folder, whose root key serves where no other is given (also ASHLAR_DATA_DIR).",
  },
  ca: {
    type: "text",
    text: "File (PEM) of certificates to trust beside those that Node trusts, a self-signed one's own for instance (also ASHLAR_CA).",
  },
} as const;

export interface AccessSettings {
  readonly api: string;
  readonly dataDir: string;
  /** A file with certificates. */
  readonly ca?: string | undefined;
  readonly environment: NodeJS.ProcessEnv;
}

interface Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
}

export class ServerAccess implements Disposable {
  readonly #settings: AccessSettings;
  #authorities: Promise<readonly string[] | undefined> | undefined;
  #transport: HttpTransport | undefined;
  #client: Promise<ApiClient> | undefined;
  #credentials: Promise<Credentials> | undefined;

  constructor(settings: AccessSettings) {
    this.#settings = settings;
  }

  /** Rejects with CREDENTIAL_MISSING, SECRET_FILE_UNREADABLE or PATH_UNREADABLE. */
  client(): Promise<ApiClient> {
    this.#client ??= this.#connect();
    return this.#client;
  }

  /** Whom to trust; undefined: whom Node trusts. Rejects with PATH_UNREADABLE. */
  authorities(): Promise<readonly string[] | undefined> {
    this.#authorities ??= readAuthorities(this.#settings.ca);
    return this.#authorities;
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
    const transport = new HttpTransport(this.#settings.api, await this.authorities());
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

async function readAuthorities(path: string | undefined): Promise<readonly string[] | undefined> {
  if (path === undefined) return undefined;
  const own = await readInput(path);
  try {
    new X509Certificate(own);
  } catch (cause) {
    throw cliFailure("PATH_UNREADABLE", { what: `--ca ${path} holds no certificates in PEM.`, data: { path }, cause });
  }
  return [...getCACertificates("default"), own];
}

async function findCredentials({ environment, dataDir }: AccessSettings): Promise<Credentials> {
  // Those of the root are the server's own variables: they are set where it runs, in its container for instance.
  const found =
    (await credentialsIn(environment, ["ASHLAR_ACCESS_KEY", "ASHLAR_SECRET_KEY"])) ??
    (await credentialsIn(environment, ["ASHLAR_ROOT_ACCESS_KEY", "ASHLAR_ROOT_SECRET_KEY"]));
  if (found !== undefined) return found;
  const path = join(dataDir, "root-key.json");
  try {
    const { accessKey, secretKey } = JSON.parse(await readFile(path, "utf8")) as Credentials;
    if (typeof accessKey === "string" && typeof secretKey === "string") return { accessKey, secretKey };
  } catch (cause) {
    throw cliFailure("CREDENTIAL_MISSING", { what: `There is no access key, and ${path} can not be read.`, cause });
  }
  throw cliFailure("CREDENTIAL_MISSING", { what: `${path} does not hold a root key.` });
}

async function credentialsIn(
  environment: NodeJS.ProcessEnv,
  [keyName, secretName]: readonly [string, string],
): Promise<Credentials | undefined> {
  const accessKey = environment[keyName];
  if (accessKey === undefined) return undefined;
  const file = environment[`${secretName}_FILE`];
  const secretKey = environment[secretName] ?? (file && (await readSecret(file, `${secretName}_FILE`)));
  if (secretKey !== undefined && secretKey !== "") return { accessKey, secretKey };
  throw cliFailure("CREDENTIAL_MISSING", { what: `${keyName} is set, and ${secretName} is not.` });
}
