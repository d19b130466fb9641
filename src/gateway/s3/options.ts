import type { OptionValues } from "../../std/options.ts";

/** What the S3 gateway can be told. The server's flags (`--region`, `--s3-domain`, ...) are handed down to it. */
export const S3_OPTIONS = {
  region: {
    type: "text",
    default: "us-east-1",
    text: "Region that GetBucketLocation and headers answer. Requests may be signed for any.",
  },
  domains: {
    type: "list",
    default: [],
    text: "Domains under which a host name's first labels are a bucket (virtual-hosted style).",
  },
  publicUrl: { type: "text", text: "URL under which clients reach this gateway; else what their Host header says." },
  trustedProxies: {
    type: "list",
    default: [],
    text: "Addresses or networks (CIDR) whose X-Forwarded-For, -Proto and -Host count.",
  },
  allowV2: { type: "flag", default: true, text: "Accept Signature Version 2, which covers less than Version 4." },
  requestsMax: {
    type: "integer",
    unit: "count",
    default: 4096,
    min: 1,
    max: 1_000_000,
    text: "Requests answered at once; one more gets SlowDown.",
  },
  bodyGraceMillis: {
    type: "integer",
    unit: "ms",
    default: 30_000,
    min: 0,
    max: 3_600_000,
    text: "How long in all a request may wait for its client before the rate of its body is looked at.",
  },
  bodyRateMin: {
    type: "integer",
    unit: "bytes/s",
    default: 256,
    min: 0,
    max: 1_073_741_824,
    text: "Average rate under which an upload is ended with RequestTimeout.",
  },
  formMemoryBytesMax: {
    type: "integer",
    unit: "bytes",
    default: 67_108_864,
    min: 8_388_608,
    max: 68_719_476_736,
    text: "Memory of all browser uploads whose length is not known before their end (each takes at most 8 MiB).",
  },
} as const;

export type S3Options = OptionValues<typeof S3_OPTIONS>;
