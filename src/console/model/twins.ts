// The command line's twin of each page: an operator who has found something here can do it in a script.

import type { Route } from "./route.ts";

export function twinOf(route: Route): string | undefined {
  switch (route.page) {
    case "overview":
      return "ashlar status";
    case "buckets":
      return "ashlar bucket ls";
    case "objects":
      return `ashlar object ls ${quoted(`${route.bucket}/${route.prefix}`)}${route.versions ? " --versions" : ""}`;
    case "object":
      return `ashlar object stat ${quoted(`${route.bucket}/${route.key}`)}${version(route.version)}`;
    case "bucket":
      return `ashlar bucket policy get ${quoted(route.bucket)}`;
    case "users":
      return "ashlar user ls";
    case "user":
      return `ashlar key ls ${quoted(route.user)}`;
    case "policies":
      return "ashlar policy ls";
    case "policy":
      return `ashlar policy show ${quoted(route.policy)}`;
    case "new-policy":
      return "ashlar policy set NAME FILE";
    case "decision":
      return `ashlar policy explain s3:GetObject BUCKET/KEY${route.user === undefined ? "" : ` --user ${quoted(route.user)}`}`;
    case "events":
      return route.severity === "info" ? "ashlar event ls" : `ashlar event ls --severity ${route.severity}`;
    case "cluster":
      return "ashlar cluster status";
    case "ids":
      return "ashlar id tags";
    case "sim":
    case "missing":
      return undefined;
  }
}

function version(id: string | undefined): string {
  return id === undefined ? "" : ` --version-id ${quoted(id)}`;
}

/** A word of a shell's command line. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
