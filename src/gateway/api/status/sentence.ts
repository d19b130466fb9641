import type { BlobStatus } from "../../../blob/index.ts";
import { counted, formatBytes } from "../../../std/quantities.ts";
import type { Fault } from "./faults.ts";

export type Health = "healthy" | "degraded" | "unhealthy";

/** A warning degrades, an error makes unhealthy. */
export function healthOf(faults: readonly Fault[]): Health {
  if (faults.some(({ severity }) => severity === "error")) return "unhealthy";
  return faults.length > 0 ? "degraded" : "healthy";
}

/** The state of the node in a sentence: the gravest fault, or that there is none and what the cluster says. */
export function sentenceOf(
  faults: readonly Fault[],
  buckets: number,
  { bytesFree, bytesTotal }: Pick<BlobStatus, "bytesFree" | "bytesTotal">,
  cluster?: string,
): string {
  const [gravest, ...others] = faults;
  if (gravest === undefined) {
    const space = `${formatBytes(bytesFree)} of ${formatBytes(bytesTotal)} are free`;
    const order = `Everything is in order: ${counted(buckets, "bucket")}, and ${space}.`;
    return cluster === undefined ? order : `${order} ${cluster}`;
  }
  const rest = others.length === 0 ? "" : ` (and ${counted(others.length, "more fault")})`;
  const subject = gravest.object.startsWith("volume") ? `Volume${gravest.object.slice(6)}: ` : "";
  return `${subject}${gravest.what.replace(/\.$/, "")}${rest}.`;
}
