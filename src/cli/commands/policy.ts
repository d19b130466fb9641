import { hasCode } from "../../std/errors.ts";
import { counted } from "../../std/quantities.ts";
import { type Command, serverCommand } from "../command.ts";
import { cliFailure } from "../errors.ts";
import { readInput } from "../local-files.ts";
import { table } from "../output.ts";

/** Of `policy check` where the document is not valid, and of `policy explain` where the request is refused. */
const EXIT_NO = 1;

export const POLICY_COMMANDS: readonly Command[] = [
  serverCommand({
    words: "policy ls",
    summary: "Lists the policies, built-in ones among them",
    async run({ server, output }) {
      const client = await server.client();
      const items = await client.all((after) => client.call("GET /v1/policies", { query: { after, limit: 1000 } }));
      output.result({ items }, () => {
        return table(
          ["NAME", "KIND", "UPDATED"],
          items.map(({ name, canned, updatedAt }) => [name, canned ? "built-in" : "own", updatedAt ?? "-"]),
        );
      });
      return undefined;
    },
  }),
  serverCommand({
    words: "policy show",
    summary: "Prints a policy's document",
    arguments: ["POLICY"],
    async run({ server, output, arguments: [policy = ""] }) {
      const client = await server.client();
      const found = await client.call("GET /v1/policies/{policy}", { path: { policy } });
      output.result(found, () => found.document);
      return undefined;
    },
  }),
  serverCommand({
    words: "policy set",
    summary: "Stores a policy from a file",
    notes: ["- reads it from standard input. It holds at once for all users that it is attached to."],
    arguments: ["POLICY", "FILE"],
    options: { create: { type: "flag", default: false, text: "Fail where there is one of this name." } },
    async run({ server, output, options, arguments: [policy = "", file = ""] }) {
      const document = await readInput(file);
      const client = await server.client();
      const body = { document, create: options.create };
      const stored = await client.call("PUT /v1/policies/{policy}", { path: { policy }, body });
      output.result(stored, () => `Stored policy ${policy}.`);
      return undefined;
    },
  }),
  serverCommand({
    words: "policy rm",
    summary: "Deletes a policy that is attached to no user",
    arguments: ["POLICY"],
    async run({ server, output, arguments: [policy = ""] }) {
      const client = await server.client();
      await client.call("DELETE /v1/policies/{policy}", { path: { policy } });
      output.result({ policy }, () => `Deleted policy ${policy}.`);
      return undefined;
    },
  }),
  serverCommand({
    words: "policy attach",
    summary: "Attaches a policy to a user",
    arguments: ["POLICY", "USER"],
    async run({ server, output, arguments: [policy = "", user = ""] }) {
      const client = await server.client();
      const changed = await client.call("PUT /v1/users/{user}/policies/{policy}", { path: { user, policy } });
      output.result(
        changed,
        () => `${user} has ${counted(changed.policies.length, "policy", "policies")}: ${changed.policies.join(", ")}.`,
      );
      return undefined;
    },
  }),
  serverCommand({
    words: "policy detach",
    summary: "Detaches a policy from a user",
    arguments: ["POLICY", "USER"],
    async run({ server, output, arguments: [policy = "", user = ""] }) {
      const client = await server.client();
      const changed = await client.call("DELETE /v1/users/{user}/policies/{policy}", { path: { user, policy } });
      output.result(
        changed,
        () =>
          `${user} has ${counted(changed.policies.length, "policy", "policies")}: ${changed.policies.join(", ") || "none"}.`,
      );
      return undefined;
    },
  }),
  serverCommand({
    words: "policy check",
    summary: "Says whether a file holds a valid policy",
    arguments: ["FILE"],
    options: { bucket: { type: "text", text: "Check it as the policy of this bucket." } },
    async run({ server, output, options, arguments: [file = ""] }) {
      const document = await readInput(file);
      const client = await server.client();
      const body = { document, ...(options.bucket !== undefined && { bucket: options.bucket }) };
      const result = await client.call("POST /v1/policies/check", { body });
      output.result(result, () =>
        result.valid ? "The policy is valid." : (result.message ?? "The policy is not valid."),
      );
      return result.valid ? 0 : EXIT_NO;
    },
  }),
  serverCommand({
    words: "policy explain",
    summary: "Says whether a request would be allowed, and which statement decides",
    arguments: ["ACTION", "RESOURCE"],
    options: {
      user: { type: "text", text: "Who asks; anonymous where neither user nor key is given." },
      key: { type: "text", text: "An access key, in place of a user." },
    },
    examples: ["ashlar policy explain s3:GetObject photos/2026/a.jpg --user alice"],
    async run({ server, output, options, arguments: [action = "", resource = ""] }) {
      const client = await server.client();
      const { user, key: accessKeyId } = options;
      const body = {
        action,
        resource,
        ...(user !== undefined && { user }),
        ...(accessKeyId !== undefined && { accessKeyId }),
      };
      const answer = await client.call("POST /v1/access/explain", { body }).catch((error: unknown) => {
        if (!hasCode(error, "INPUT_INVALID") || error.data["path"] !== "body.action") throw error;
        const what = error.message.replace(/^body\.action/, action);
        throw cliFailure("USAGE_ARGUMENTS", { what, advice: "Name one as in s3:GetObject or ashlar:GetStatus." });
      });
      output.result(answer, () => {
        const rows = answer.policies.flatMap(({ policy, statements }) =>
          statements.map(({ index, sid, effect, applies, failed }) => {
            return [policy, sid ?? String(index), effect, applies ? "applies" : `no: ${failed ?? "does not fit"}`];
          }),
        );
        const by = answer.decidedBy === undefined ? "" : `, by ${answer.decidedBy}`;
        const list = rows.length === 0 ? [] : ["", ...table(["POLICY", "STATEMENT", "EFFECT", ""], rows)];
        return [`${answer.decision}${by}`, ...list];
      });
      return answer.decision === "allow" ? 0 : EXIT_NO;
    },
  }),
];
