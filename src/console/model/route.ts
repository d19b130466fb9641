// Every page has an address. Names stand in the query: those of buckets and policies have dots, and a path that ends in a dot and
// letters is a file of the console's.

import type { Severity } from "../api/shapes.ts";

export type Route =
  | { readonly page: "overview" }
  | { readonly page: "buckets"; readonly after?: string | undefined }
  | {
      readonly page: "objects";
      readonly bucket: string;
      readonly prefix: string;
      readonly after?: string | undefined;
      /** Older versions and delete markers too. */
      readonly versions?: true | undefined;
      /** With `versions`: of the key in `after`. */
      readonly afterVersion?: string | undefined;
    }
  | { readonly page: "object"; readonly bucket: string; readonly key: string; readonly version?: string | undefined }
  | { readonly page: "bucket"; readonly bucket: string }
  | { readonly page: "users"; readonly after?: string | undefined }
  | { readonly page: "user"; readonly user: string }
  | { readonly page: "policies"; readonly after?: string | undefined }
  | { readonly page: "policy"; readonly policy: string }
  | { readonly page: "new-policy" }
  | { readonly page: "decision"; readonly user?: string | undefined }
  | { readonly page: "events"; readonly severity: Severity; readonly after?: string | undefined }
  | { readonly page: "cluster" }
  | { readonly page: "ids"; readonly after?: string | undefined }
  | { readonly page: "sim" }
  | { readonly page: "missing" };

type Parameters = Readonly<Record<string, string | undefined>>;

const ROOT = "/app/";
const SEVERITIES: readonly Severity[] = ["info", "warning", "error"];

export function routeHref(route: Route): string {
  switch (route.page) {
    case "overview":
      return ROOT;
    case "buckets":
      return href("data", { after: route.after });
    case "objects": {
      const { bucket, prefix, after, versions, afterVersion } = route;
      return href("data", { bucket, prefix, versions: versions && "all", after, afterVersion });
    }
    case "object":
      return href("data", { bucket: route.bucket, key: route.key, version: route.version });
    case "bucket":
      return href("data/settings", { bucket: route.bucket });
    case "users":
      return href("users", { after: route.after });
    case "user":
      return href("users", { user: route.user });
    case "policies":
      return href("policies", { after: route.after });
    case "policy":
      return href("policies", { policy: route.policy });
    case "new-policy":
      return href("policies/new", {});
    case "decision":
      return href("policies/check", { user: route.user });
    case "events":
      return href("events", { severity: route.severity === "info" ? undefined : route.severity, after: route.after });
    case "cluster":
      return href("cluster", {});
    case "ids":
      return href("ids", { after: route.after });
    case "sim":
      return href("sim", {});
    case "missing":
      return href("missing", {});
  }
}

export function parseRoute(url: URL): Route {
  const { pathname, searchParams } = url;
  const value = (name: string): string | undefined => searchParams.get(name) || undefined;
  const after = value("after");
  switch (pathname.startsWith(ROOT) ? pathname.slice(ROOT.length).replace(/\/$/, "") : undefined) {
    case "":
      return { page: "overview" };
    case "data":
      return dataRoute(value);
    case "data/settings":
      return bucketRoute(value("bucket"));
    case "users":
      return value("user") === undefined ? { page: "users", after } : { page: "user", user: value("user")! };
    case "policies":
      if (value("policy") !== undefined) return { page: "policy", policy: value("policy")! };
      return { page: "policies", after };
    case "policies/new":
      return { page: "new-policy" };
    case "policies/check":
      return { page: "decision", user: value("user") };
    case "events": {
      const severity = SEVERITIES.find((each) => each === value("severity")) ?? "info";
      return { page: "events", severity, after };
    }
    case "cluster":
      return { page: "cluster" };
    case "ids":
      return { page: "ids", after };
    case "sim":
      return { page: "sim" };
    default:
      return { page: "missing" };
  }
}

/** What the navigation marks as current. */
export function sectionOf({
  page,
}: Route): "overview" | "data" | "users" | "policies" | "cluster" | "ids" | "events" | "sim" | undefined {
  switch (page) {
    case "buckets":
    case "objects":
    case "object":
    case "bucket":
      return "data";
    case "users":
    case "user":
      return "users";
    case "policies":
    case "policy":
    case "new-policy":
    case "decision":
      return "policies";
    case "overview":
    case "cluster":
    case "ids":
    case "events":
    case "sim":
      return page;
    case "missing":
      return undefined;
  }
}

function dataRoute(value: (name: string) => string | undefined): Route {
  const bucket = value("bucket");
  const key = value("key");
  const after = value("after");
  if (bucket === undefined) return { page: "buckets", after };
  if (key !== undefined) return { page: "object", bucket, key, version: value("version") };
  const versions = value("versions") === "all" ? (true as const) : undefined;
  const afterVersion = versions && value("afterVersion");
  return { page: "objects", bucket, prefix: value("prefix") ?? "", after, versions, afterVersion };
}

/** A page that needs a name and has none is not there. */
function bucketRoute(bucket: string | undefined): Route {
  return bucket === undefined ? { page: "missing" } : { page: "bucket", bucket };
}

function href(path: string, parameters: Parameters): string {
  const pairs = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return `${ROOT}${path}${pairs.length === 0 ? "" : `?${pairs.join("&")}`}`;
}
