import { serverFailure } from "./errors.ts";
import type { ServerOptions } from "./options.ts";

/** An engine that runs already, as `--store`, `--worker-ids` and `--tag-database` name it. */
export type StorePlace = EtcdPlace | PostgresPlace;

export interface EtcdPlace {
  readonly kind: "etcd";
  readonly endpoints: readonly string[];
  readonly prefix: string;
  readonly isSecure: boolean;
  readonly credentials: { readonly user: string; readonly password: string } | undefined;
}

export interface PostgresPlace {
  readonly kind: "postgres";
  /** As libpq has it, without the password. */
  readonly url: string;
  readonly password: string | undefined;
}

const FORM = /^([a-z]+):\/\/(?:([^:@/]*)@)?([^@/?#]*)(?:\/([^?#]*))?(\?[^#]*)?$/;
const ETCD_PORT = 2379;

/** The same, with passwords out of the URLs: options are shown to operators, but for secrets. */
export function withoutUrlPasswords(options: ServerOptions): ServerOptions {
  const store = splitPassword(options.store);
  const workerIds = splitPassword(options.workerIds);
  const tags = splitPassword(options.tagDatabase);
  return {
    ...options,
    ...(store && { store: store.url, storePassword: options.storePassword ?? store.password }),
    ...(workerIds && { workerIds: workerIds.url, workerIdsPassword: options.workerIdsPassword ?? workerIds.password }),
    ...(tags && { tagDatabase: tags.url, tagDatabasePassword: options.tagDatabasePassword ?? tags.password }),
  };
}

/** Undefined without the option, whose password has been taken out. Throws STORE_OPTION_INVALID. */
export function storePlace({ store, storePassword }: ServerOptions): StorePlace | undefined {
  if (store === undefined) return undefined;
  return placeOf({ flag: "--store", url: store, password: storePassword, prefix: "ashlar" }, (what) =>
    serverFailure("STORE_OPTION_INVALID", { ...(what !== undefined && { what }) }),
  );
}

export interface PlaceOption {
  readonly flag: string;
  readonly url: string;
  readonly password: string | undefined;
  /** Of keys in an etcd, where the URL has none. */
  readonly prefix: string;
}

/** Throws what `invalid` makes of the reason; of the general one where there is none in particular. */
export function placeOf(option: PlaceOption, invalid: (what?: string) => Error): StorePlace {
  const { flag, url, password } = option;
  const decode = (part: string): string => {
    try {
      return decodeURIComponent(part);
    } catch {
      throw invalid(`${flag} holds a % that begins no escape.`);
    }
  };
  const match = FORM.exec(url);
  if (match === null) throw invalid();
  const [, scheme, user, hosts, path = "", query = ""] = match;
  switch (scheme) {
    case "etcd":
    case "etcds": {
      if (query !== "") throw invalid(`${flag} of an etcd takes no parameters.`);
      const endpoints = hosts!.split(",").map((host) => endpointOf(host, option, invalid));
      const credentials = user === undefined ? undefined : { user: decode(user), password: password ?? "" };
      const prefix = prefixOf(decode(path), option.prefix);
      return { kind: "etcd", endpoints, prefix, isSecure: scheme === "etcds", credentials };
    }
    case "postgres":
    case "postgresql": {
      if (path === "") throw invalid(`${flag} names no database of PostgreSQL.`);
      const at = user === undefined ? "" : `${user}@`;
      return { kind: "postgres", url: `postgres://${at}${hosts}/${path}${query}`, password };
    }
    default:
      throw invalid(`${flag} has a scheme that no engine has: ${scheme}.`);
  }
}

/** The URL without its password, and that; undefined where it has none. Throws STORE_OPTION_INVALID. */
export function splitPassword(
  url: string | undefined,
): { readonly url: string; readonly password: string } | undefined {
  const [, head, password, tail] = /^([a-z]+:\/\/[^:@/]*):([^@/]*)(@.*)$/.exec(url ?? "") ?? [];
  return password === undefined ? undefined : { url: `${head}${tail}`, password: unescaped(password) };
}

/** Throws STORE_OPTION_INVALID. */
function unescaped(password: string): string {
  try {
    return decodeURIComponent(password);
  } catch {
    throw serverFailure("STORE_OPTION_INVALID", { what: "A password in a URL holds a % that begins no escape." });
  }
}

function endpointOf(text: string, { flag }: PlaceOption, invalid: (what?: string) => Error): string {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]\s]+)(?::(\d{1,5}))?$/.exec(text);
  if (match === null) throw invalid(`${flag}: ${text} is not of the form HOST:PORT.`);
  return `${match[1]}:${match[2] ?? ETCD_PORT}`;
}

/** As others name their keys in etcd: `/ashlar/`. */
function prefixOf(path: string, otherwise: string): string {
  const name = path.replace(/^\/+|\/+$/g, "");
  return `/${name === "" ? otherwise : name}/`;
}
