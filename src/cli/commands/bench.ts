import { formatBytes } from "../../std/quantities.ts";
import { runBench } from "../bench/bench.ts";
import { OPERATIONS, type OperationName } from "../bench/workload.ts";
import { type Command, serverCommand } from "../command.ts";
import { cliFailure } from "../errors.ts";
import { pairs } from "../output.ts";

export const BENCH_COMMANDS: readonly Command[] = [
  serverCommand({
    words: "bench s3",
    summary: "Measures a server's S3 gateway with many connections at once",
    notes: [
      "Objects go to a bucket of their own, which is deleted afterwards. Rates are of answered requests; percentiles are of their times.",
      "The load comes from this one process: above some tens of thousands of requests a second it measures itself.",
    ],
    options: {
      s3: { type: "text", text: "Address of S3; else what the server says." },
      operation: {
        type: "text",
        default: "mixed",
        text: "put, get, stat, delete, list, or mixed (45 % get, 15 % put, 10 % delete, 30 % stat).",
      },
      objectBytes: {
        type: "integer",
        unit: "bytes",
        default: 16_384,
        min: 0,
        max: 1_073_741_824,
        text: "Length of an object.",
      },
      connections: { type: "integer", unit: "count", default: 64, min: 1, max: 4096, text: "Requests at once." },
      seconds: { type: "integer", unit: "s", default: 10, min: 1, max: 86_400, text: "How long it is measured." },
      objects: {
        type: "integer",
        unit: "count",
        default: 1000,
        min: 1,
        max: 1_000_000,
        text: "Objects that are there at the start.",
      },
      bucket: { type: "text", text: "Use this bucket, and leave it as it is then." },
      region: { type: "text", default: "us-east-1", text: "Region of the signatures." },
    },
    async run({ server, output, options, signal }) {
      const { operation } = options;
      if (!(operation in OPERATIONS)) {
        throw cliFailure("USAGE_OPTION", {
          what: `--operation ${operation} is none of ${Object.keys(OPERATIONS).join(", ")}.`,
        });
      }
      const endpoint = options.s3 ?? (await (await server.client()).call("GET /v1/status", {})).endpoints["s3"];
      if (endpoint === undefined) throw cliFailure("SERVER_UNREACHABLE", { what: "The server has no S3 gateway." });
      const report = await runBench({
        ...{ endpoint, signal, operation: operation as OperationName, credentials: await server.credentials() },
        ...{ objectBytes: options.objectBytes, connections: options.connections, objects: options.objects },
        ...{ seconds: options.seconds, bucket: options.bucket, region: options.region },
        authorities: await server.authorities(),
        onProgress: (text) => output.progress(text),
      });
      output.progress("");
      output.result(report, () => {
        const { requests, errors, seconds, requestsPerSecond, bytesPerSecond, latencies } = report;
        const latency = Object.entries(latencies).map(([name, millis]) => `${name} ${millis.toFixed(2)} ms`);
        return pairs([
          ["Operation", `${operation}, ${formatBytes(options.objectBytes)}, ${options.connections} connections`],
          ["Requests", `${requests} in ${seconds.toFixed(1)} s, ${errors} failed`],
          ["Rate", `${requestsPerSecond.toFixed(0)}/s, ${formatBytes(bytesPerSecond)}/s`],
          ["Latency", latency.join(", ")],
        ]);
      });
      if (report.errors === 0) return 0;
      throw cliFailure("BENCH_FAILED", {
        what: `${report.errors} requests failed, the first with: ${report.firstError}.`,
      });
    },
  }),
];
