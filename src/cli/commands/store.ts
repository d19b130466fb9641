import { type Command, serverCommand } from "../command.ts";
import { pairs } from "../output.ts";

export const STORE_COMMANDS: readonly Command[] = [
  serverCommand({
    words: "store counters",
    summary: "Shows what a server's log, Store and volumes have done since it started",
    async run({ server, output }) {
      const client = await server.client();
      const counters = await client.call("GET /v1/counters", {});
      output.result(counters, () =>
        Object.entries(counters).flatMap(([part, values]) =>
          pairs(Object.entries(values).map(([name, value]) => [`${part}.${name}`, Number(value)] as const)),
        ),
      );
      return undefined;
    },
  }),
  serverCommand({
    words: "store checkpoint",
    summary: "Writes a checkpoint of a server's Store now",
    async run({ server, output }) {
      const client = await server.client();
      await client.call("POST /v1/store/checkpoint", {});
      output.result({ done: true }, () => "A checkpoint is written.");
      return undefined;
    },
  }),
];
