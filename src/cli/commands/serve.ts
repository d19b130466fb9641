import { resolve } from "node:path";
import { setFlagsFromString } from "node:v8";
import { type RunningServer, SERVER_OPTIONS, type ServerOptions, startNode } from "../../server/index.ts";
import { hasCode } from "../../std/errors.ts";
import { type Command, localCommand } from "../command.ts";
import { misspelledVariables } from "../option-sources.ts";
import { pairs } from "../output.ts";

const SERVE_OPTIONS = {
  ...SERVER_OPTIONS,
  config: { type: "text", text: "JSON file of options, `dataDir` for --data-dir." },
  printJson: {
    type: "flag",
    default: false,
    text: "Print one line of JSON on standard output when the server is ready.",
  },
} as const;

export const SERVE_COMMANDS: readonly Command[] = [
  localCommand({
    words: "serve",
    summary: "Runs a server",
    notes: [
      "Options come from flags, else from ASHLAR_ variables (--data-dir is ASHLAR_DATA_DIR), else from the --config file.",
      "Secrets are never flags: they come from variables, from files or from the --config file.",
      "SIGTERM and SIGINT end it: running requests are answered first. A second signal ends it at once.",
    ],
    options: SERVE_OPTIONS,
    environment: SERVE_OPTIONS,
    examples: [
      "ashlar serve --data-dir /var/lib/ashlar --s3-listen 0.0.0.0:9000 --s3-tls-cert c.pem --s3-tls-key k.pem",
    ],
    async run({ options, output, signal, environment }) {
      for (const warning of misspelledVariables(SERVE_OPTIONS, environment)) output.note(`ashlar: ${warning}`);
      // V8 marks its whole heap after every 64 MiB of buffers that came in, however few of them are left. Counted with
      // the heap, they are collected as the heap is: a third less processor time under load.
      setFlagsFromString("--external-memory-accounted-in-global-limit");
      const { config: _, printJson, ...values } = options;
      const serverOptions: ServerOptions = values;
      const ended = Promise.withResolvers<number>();
      const onFatal = (error: Error): void => {
        output.failure(error);
        // What the disk holds is not known any more: nothing is flushed, nothing is closed.
        process.exit(1);
      };
      // Who reads the log may go; its clients stay. Without a listener the next line would end the process.
      process.stderr.on("error", () => {});
      const log = (line: string): void => void process.stderr.write(line);
      const server = await startNode(serverOptions, { onFatal, log, signal }).catch((error: unknown) => {
        if (!hasCode(error, "START_ABORTED")) throw error;
      });
      if (server === undefined) return 0;
      signal.addEventListener("abort", () => ended.resolve(0), { once: true });
      if (signal.aborted) ended.resolve(0);
      const { s3, api, leaf, peer, thrift } = server;
      if (printJson) output.write(`${JSON.stringify({ ready: true, s3, api, leaf, peer, thrift })}\n`);
      else output.write(readyText(server, serverOptions, environment));
      const code = await ended.promise;
      await server.close();
      return code;
    },
  }),
];

function readyText(
  { s3, api, leaf, peer, thrift }: Pick<RunningServer, "s3" | "api" | "leaf" | "peer" | "thrift">,
  { dataDir, memory, rootAccessKey }: ServerOptions,
  environment: NodeJS.ProcessEnv,
): string {
  const data = memory ? "in memory, gone when this process ends" : resolve(dataDir);
  const isVariable = environment["ASHLAR_ROOT_ACCESS_KEY"] !== undefined;
  const given = isVariable ? "ASHLAR_ROOT_ACCESS_KEY, ASHLAR_ROOT_SECRET_KEY" : "as the options give it";
  const own = memory ? "random: set ASHLAR_ROOT_ACCESS_KEY, ASHLAR_ROOT_SECRET_KEY" : resolve(dataDir, "root-key.json");
  const key = rootAccessKey === undefined ? own : given;
  const rows = [
    ["S3", s3],
    ["API", api],
    ["Console", `${api}/app/`],
    ...(leaf === undefined ? [] : [["Leaf", leaf] as const]),
    ...(peer === undefined ? [] : [["Peers", peer] as const]),
    ...(thrift === undefined ? [] : [["Thrift", thrift] as const]),
    ["Data", data],
    ["Root key", key],
  ] as const;
  return `Ashlar is ready.\n${pairs(rows)
    .map((row) => `  ${row}`)
    .join("\n")}\n`;
}
