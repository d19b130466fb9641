import type { RequestHeaders } from "../http/index.ts";
import { s3Failure } from "./errors.ts";
import { type Level, OPERATIONS, type Operation } from "./operations/index.ts";
import type { Query } from "./query.ts";

// Which operation a request means, by the table of operations alone. A query parameter that selects an operation
// somewhere is never dropped: where it fits none at this place, falling through to a plain GET or PUT would do what
// nobody asked for.

interface Route {
  readonly operation: Operation;
  /** Names, without the value behind "=". */
  readonly names: readonly string[];
  readonly values: ReadonlyMap<string, string>;
  readonly weight: number;
}

interface Routes {
  /** What a request without a query means. */
  readonly plain: Operation | undefined;
  readonly withCopySource: Operation | undefined;
  /** Those that ask for most come first. */
  readonly all: readonly Route[];
}

const COPY_SOURCE = "x-amz-copy-source";
const SELECTORS: ReadonlySet<string> = new Set(OPERATIONS.flatMap(({ query = [] }) => query.map(nameOf)));
/** Parameters that only some operations read; unlike an unknown one they need no care. */
const ARGUMENTS: ReadonlySet<string> = new Set(["id", "list-type", "versionId"]);
const TABLE: ReadonlyMap<string, Routes> = buildTable();

/** Fails with MethodNotAllowed, InvalidArgument or NotImplemented where no operation fits. */
export function routeOf(method: string, level: Level, query: Query, headers: RequestHeaders): Operation {
  const routes = TABLE.get(`${level} ${method}`);
  if (routes === undefined) throw methodNotAllowed(method, level);
  if (query.size === 0) {
    const isCopy = routes.withCopySource !== undefined && headers.has(COPY_SOURCE);
    const operation = isCopy ? routes.withCopySource : routes.plain;
    if (operation === undefined) throw methodNotAllowed(method, level);
    return operation;
  }
  return routeOfQuery(routes, { method, level, query, headers });
}

interface Asked {
  readonly method: string;
  readonly level: Level;
  readonly query: Query;
  readonly headers: RequestHeaders;
}

function routeOfQuery(routes: Routes, asked: Asked): Operation {
  const { query, headers, method, level } = asked;
  const route = routes.all.find(({ operation, names, values }) => {
    if (operation.header !== undefined && !headers.has(operation.header)) return false;
    return names.every((name) => query.has(name)) && [...values].every(([name, value]) => query.get(name) === value);
  });
  const left: string[] = [];
  for (const name of query.names()) {
    const isTaken =
      route !== undefined && (route.names.includes(name) || route.operation.takes?.includes(name) === true);
    if (isTaken || ARGUMENTS.has(name)) continue;
    if (SELECTORS.has(name)) left.push(name);
    else if (query.get(name) === "" && isUnknownSubresource(name, asked)) {
      throw s3Failure("NotImplemented", {
        what: "The request names a subresource that this server does not know.",
        data: { ParameterName: name },
      });
    }
  }
  if (left.length === 0 && route !== undefined) return route.operation;
  if (left.length > 1 || (left.length === 1 && route !== undefined && route.names.length > 0)) {
    const names = [...(route?.names ?? []), ...left];
    throw s3Failure("InvalidArgument", {
      what: `Conflicting query string parameters: ${names.join(", ")}`,
      data: { ArgumentName: "ResourceType", ArgumentValue: names[0] },
    });
  }
  throw methodNotAllowed(method, level, left[0]);
}

/**
 * `?name` alone looks like an operation that came after this server. Reads of objects may carry anything: caches are
 * told apart so.
 */
function isUnknownSubresource(name: string, { method, level }: Asked): boolean {
  const isRead = method === "GET" || method === "HEAD" || method === "OPTIONS";
  if (isRead && level !== "bucket") return false;
  return !KNOWN_EMPTY.has(name) && !name.startsWith("X-Amz-") && !name.startsWith("x-amz-");
}

/** Arguments that clients send with an empty value. */
const KNOWN_EMPTY: ReadonlySet<string> = new Set([
  ...["prefix", "delimiter", "marker", "start-after", "continuation-token", "key-marker", "version-id-marker"],
  ...["upload-id-marker", "encoding-type", "max-keys", "max-uploads", "fetch-owner", "metadata", "allow-unordered"],
  ...["AWSAccessKeyId", "Signature", "Expires", "read-stats", "format"],
]);

function methodNotAllowed(method: string, level: Level, resource?: string): Error {
  const resourceType = resource?.toUpperCase() ?? level.toUpperCase();
  const allowed = ["GET", "HEAD", "PUT", "POST", "DELETE"].filter((other) => {
    const routes = TABLE.get(`${level} ${other}`);
    if (resource === undefined) return routes?.plain !== undefined;
    return routes?.all.some(({ names }) => names.includes(resource)) === true;
  });
  return s3Failure("MethodNotAllowed", { data: { Method: method, ResourceType: resourceType, allowed } });
}

function nameOf(selector: string): string {
  const equals = selector.indexOf("=");
  return equals === -1 ? selector : selector.slice(0, equals);
}

function buildTable(): Map<string, Routes> {
  const groups = Map.groupBy(
    OPERATIONS.filter(({ elsewhere }) => !elsewhere),
    ({ level, method }) => `${level} ${method}`,
  );
  const table = new Map<string, Routes>();
  for (const [place, operations] of groups) {
    const all = operations.map(routeFor).sort((left, right) => right.weight - left.weight);
    const unqueried = operations.filter(({ query }) => query === undefined);
    table.set(place, {
      plain: unqueried.find(({ header }) => header === undefined),
      withCopySource: unqueried.find(({ header }) => header === COPY_SOURCE),
      all,
    });
  }
  return table;
}

function routeFor(operation: Operation): Route {
  const selectors = operation.query ?? [];
  const withValue = selectors.filter((selector) => selector.includes("="));
  return {
    operation,
    names: selectors.map(nameOf),
    values: new Map(withValue.map((selector) => [nameOf(selector), selector.slice(selector.indexOf("=") + 1)])),
    weight: selectors.length * 2 + (operation.header === undefined ? 0 : 1),
  };
}
