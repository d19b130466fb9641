import { type Command, serverCommand } from "../command.ts";
import { cliFailure } from "../errors.ts";
import { readInput } from "../local-files.ts";
import { pairs, table } from "../output.ts";

export const USER_COMMANDS: readonly Command[] = [
  serverCommand({
    words: "user add",
    summary: "Creates a user",
    notes: ["A user can do nothing until a policy is attached and a key is made."],
    arguments: ["USER"],
    options: {
      policy: { type: "list", default: [], text: "Policies to attach." },
      withKey: { type: "flag", default: false, text: "Make an access key too; its secret is shown this once." },
    },
    examples: ["ashlar user add alice --policy readwrite --with-key"],
    async run({ server, output, options, arguments: [user = ""] }) {
      const client = await server.client();
      const body = options.policy.length === 0 ? {} : { policies: options.policy };
      const created = await client.call("PUT /v1/users/{user}", { path: { user }, body });
      const key = options.withKey
        ? await client.call("POST /v1/users/{user}/access-keys", { path: { user }, body: {} })
        : undefined;
      output.result({ ...created, ...(key && { key }) }, () => {
        const secret =
          key &&
          pairs([
            ["Access key", key.id],
            ["Secret key", key.secret],
          ]);
        return [`Created user ${user}.`, ...(secret ?? [])];
      });
      return undefined;
    },
  }),
  serverCommand({
    words: "user ls",
    summary: "Lists the users",
    async run({ server, output }) {
      const client = await server.client();
      const items = await client.all((after) => client.call("GET /v1/users", { query: { after, limit: 1000 } }));
      output.result({ items }, () => {
        const rows = items.map(({ name, enabled, keyCount, policies, createdAt }) => {
          return [createdAt, enabled ? "enabled" : "disabled", keyCount, name, policies.join(",")];
        });
        return table(["CREATED", "STATE", "KEYS", "NAME", "POLICIES"], rows);
      });
      return undefined;
    },
  }),
  serverCommand({
    words: "user rm",
    summary: "Deletes a user with its access keys and sessions",
    arguments: ["USER"],
    async run({ server, output, arguments: [user = ""] }) {
      const client = await server.client();
      await client.call("DELETE /v1/users/{user}", { path: { user } });
      output.result({ user }, () => `Deleted user ${user}.`);
      return undefined;
    },
  }),
  ...(["enable", "disable"] as const).map((verb) =>
    serverCommand({
      words: `user ${verb}`,
      summary: verb === "enable" ? "Lets a disabled user in again" : "Keeps a user out, with all of its keys",
      arguments: ["USER"],
      async run({ server, output, arguments: [user = ""] }) {
        const client = await server.client();
        const body = { enabled: verb === "enable" };
        const changed = await client.call("PATCH /v1/users/{user}", { path: { user }, body });
        output.result(changed, () => `User ${user} is ${verb}d.`);
        return undefined;
      },
    }),
  ),
  serverCommand({
    words: "key add",
    summary: "Makes an access key for a user; its secret is shown this once",
    arguments: ["USER"],
    options: {
      description: { type: "text", default: "", text: "What it is for." },
      expires: {
        type: "integer",
        unit: "s",
        default: 0,
        min: 0,
        max: 315_360_000,
        text: "It ends after this; 0: never.",
      },
      policy: { type: "text", text: "A file with a document that narrows what the key may do." },
    },
    async run({ server, output, options, arguments: [user = ""] }) {
      const client = await server.client();
      const body = {
        ...(options.description !== "" && { description: options.description }),
        ...(options.expires > 0 && { expiresAt: new Date(Date.now() + options.expires * 1000).toISOString() }),
        ...(options.policy !== undefined && { policy: await readInput(options.policy) }),
      };
      const key = await client.call("POST /v1/users/{user}/access-keys", { path: { user }, body });
      output.result(key, () =>
        pairs([
          ["Access key", key.id],
          ["Secret key", key.secret],
        ]),
      );
      return undefined;
    },
  }),
  serverCommand({
    words: "key ls",
    summary: "Lists the access keys of a user, or of all",
    arguments: ["USER?"],
    async run({ server, output, arguments: [user] }) {
      const client = await server.client();
      const items =
        user === undefined
          ? await client.all((after) => client.call("GET /v1/access-keys", { query: { after, limit: 1000 } }))
          : (await client.call("GET /v1/users/{user}/access-keys", { path: { user } })).items;
      output.result({ items }, () => {
        const rows = items.map(({ id, user: owner, enabled, expiresAt, lastUsedAt, description }) => {
          const state = enabled ? "enabled" : "disabled";
          return [id, owner, state, expiresAt ?? "never", lastUsedAt?.slice(0, 10) ?? "never", description];
        });
        return table(["ACCESS KEY", "USER", "STATE", "EXPIRES", "LAST USED", "DESCRIPTION"], rows);
      });
      return undefined;
    },
  }),
  serverCommand({
    words: "key rm",
    summary: "Deletes an access key",
    arguments: ["ACCESS-KEY"],
    async run({ server, output, arguments: [key = ""] }) {
      const client = await server.client();
      const keys = await client.all((after) => client.call("GET /v1/access-keys", { query: { after, limit: 1000 } }));
      const user = keys.find(({ id }) => id === key)?.user;
      if (user === undefined) throw cliFailure("USAGE_ARGUMENTS", { what: `There is no access key ${key}.` });
      await client.call("DELETE /v1/users/{user}/access-keys/{key}", { path: { user, key } });
      output.result({ key, user }, () => `Deleted access key ${key} of ${user}.`);
      return undefined;
    },
  }),
];
