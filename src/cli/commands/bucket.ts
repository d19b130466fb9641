import { AshlarError, hasCode } from "../../std/errors.ts";
import { formatBytes } from "../../std/quantities.ts";
import { type Command, serverCommand } from "../command.ts";
import { cliFailure } from "../errors.ts";
import { readInput } from "../local-files.ts";
import { table } from "../output.ts";

export const BUCKET_COMMANDS: readonly Command[] = [
  serverCommand({
    words: "bucket ls",
    summary: "Lists the buckets",
    arguments: ["PREFIX?"],
    async run({ server, output, arguments: [prefix] }) {
      const client = await server.client();
      const query = { prefix, limit: 1000 };
      const items = await client.all((after) => client.call("GET /v1/buckets", { query: { ...query, after } }));
      output.result({ items }, () => {
        const rows = items.map(({ name, createdAt, versioning, owner }) => [createdAt, versioning, owner, name]);
        return table(["CREATED", "VERSIONING", "OWNER", "NAME"], rows);
      });
      return undefined;
    },
  }),
  serverCommand({
    words: "bucket create",
    summary: "Creates a bucket",
    arguments: ["BUCKET"],
    options: { versioning: { type: "flag", default: false, text: "Keep every version of every object." } },
    async run({ server, output, options, arguments: [bucket = ""] }) {
      const client = await server.client();
      const body = options.versioning ? { versioning: "enabled" as const } : {};
      const created = await client.call("PUT /v1/buckets/{bucket}", { path: { bucket }, body });
      output.result(created, () => `Created ${bucket}.`);
      return undefined;
    },
  }),
  serverCommand({
    words: "bucket rm",
    summary: "Deletes a bucket",
    notes: ["Only an empty one; --recursive deletes its objects and versions first."],
    arguments: ["BUCKET"],
    options: { recursive: { type: "flag", default: false, text: "Delete everything in it, all versions included." } },
    async run({ server, output, options, signal, arguments: [bucket = ""] }) {
      const client = await server.client();
      let deletedCount = 0;
      while (options.recursive) {
        signal.throwIfAborted();
        const path = { bucket };
        const { items } = await client.call("GET /v1/buckets/{bucket}/versions", { path, query: { limit: 1000 } });
        if (items.length === 0) break;
        const objects = items.map(({ key, versionId }) => ({ key, ...(versionId !== undefined && { versionId }) }));
        const result = await client.call("POST /v1/buckets/{bucket}/delete", { path, body: { objects } });
        const [first] = result.failed;
        if (first !== undefined) {
          throw cliFailure("TRANSFER_INCOMPLETE", { what: `${first.key} was not deleted: ${first.message}` });
        }
        deletedCount += result.deleted.length;
        output.progress(`${deletedCount} versions deleted`);
      }
      output.progress("");
      await client.call("DELETE /v1/buckets/{bucket}", { path: { bucket } }).catch((error: unknown) => {
        if (!hasCode(error, "BUCKET_NOT_EMPTY")) throw error;
        throw new AshlarError(error.code, error.message, "Add --recursive to delete everything in it.", error.data);
      });
      output.result({ bucket, deletedCount }, () => `Deleted ${bucket}.`);
      return undefined;
    },
  }),
  serverCommand({
    words: "bucket versioning",
    summary: "Switches a bucket's versioning on or suspends it, or shows it",
    arguments: ["BUCKET", "enabled|suspended?"],
    async run({ server, output, arguments: [bucket = "", state] }) {
      const client = await server.client();
      if (state !== undefined) {
        if (state !== "enabled" && state !== "suspended") {
          throw cliFailure("USAGE_ARGUMENTS", { what: `${state} is neither enabled nor suspended.` });
        }
        const body = { versioning: state } as const;
        await client.call("PUT /v1/buckets/{bucket}/versioning", { path: { bucket }, body });
      }
      const { versioning } = await client.call("GET /v1/buckets/{bucket}", { path: { bucket } });
      output.result({ bucket, versioning }, () => `Versioning of ${bucket}: ${versioning}.`);
      return undefined;
    },
  }),
  serverCommand({
    words: "bucket policy get",
    summary: "Prints a bucket's policy",
    arguments: ["BUCKET"],
    async run({ server, output, arguments: [bucket = ""] }) {
      const client = await server.client();
      const policy = await client.call("GET /v1/buckets/{bucket}/policy", { path: { bucket } });
      output.result(policy, () => policy.document ?? `${bucket} has no policy.`);
      return undefined;
    },
  }),
  serverCommand({
    words: "bucket policy set",
    summary: "Sets a bucket's policy from a file",
    arguments: ["BUCKET", "FILE"],
    notes: ["- reads it from standard input."],
    async run({ server, output, arguments: [bucket = "", file = ""] }) {
      const document = await readInput(file);
      const client = await server.client();
      await client.call("PUT /v1/buckets/{bucket}/policy", { path: { bucket }, body: { document } });
      const stored = await client.call("GET /v1/buckets/{bucket}/policy", { path: { bucket } });
      output.result({ bucket, public: stored.public }, () => {
        const warning = stored.public ? " It lets the public in." : "";
        return `Policy of ${bucket} set (${formatBytes(document.length)}).${warning}`;
      });
      return undefined;
    },
  }),
  serverCommand({
    words: "bucket policy rm",
    summary: "Removes a bucket's policy",
    arguments: ["BUCKET"],
    async run({ server, output, arguments: [bucket = ""] }) {
      const client = await server.client();
      await client.call("DELETE /v1/buckets/{bucket}/policy", { path: { bucket } });
      output.result({ bucket }, () => `Removed the policy of ${bucket}.`);
      return undefined;
    },
  }),
];
