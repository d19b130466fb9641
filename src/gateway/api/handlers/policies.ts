import {
  ACTIONS,
  type Access,
  type Action,
  ANONYMOUS,
  type Policy,
  type PolicyInfo,
  type Principal,
  parseBucketPolicy,
  parsePolicy,
  type RequestContext,
  storedBucketPolicy,
} from "../../../service/access/index.ts";
import type { Objects } from "../../../service/objects/index.ts";
import { hasCode } from "../../../std/errors.ts";
import { nearestName } from "../../../std/options.ts";
import { apiFailure } from "../errors.ts";
import { type Handlers, PAGE_DEFAULT, type Services } from "../handler.ts";
import type { BodyOf } from "../operation.ts";
import type { POLICY_OPERATIONS } from "../operations/index.ts";
import type { Infer } from "../schema.ts";
import { instant } from "../status/reporter.ts";
import { invalid } from "../validate.ts";
import { defined } from "./users.ts";

type Question = BodyOf<Extract<(typeof POLICY_OPERATIONS)[number], { name: "explainAccess" }>>;

export function policyHandlers({ access, objects }: Services): Handlers<typeof POLICY_OPERATIONS> {
  const { policies } = access;
  return {
    async listPolicies({ query: { after, limit = PAGE_DEFAULT } }) {
      const page = await policies.list({ after, limit });
      return { items: page.policies.map(policyShape), next: page.next };
    },

    async getPolicy({ path: { policy } }) {
      const found = await policies.get(policy);
      return { ...policyShape(found), document: found.document };
    },

    async putPolicy({ path: { policy }, body: { document, create, ifRevision } }) {
      await policies.put(policy, { document, ...defined({ create, ifRevision }) });
      return policyShape(await policies.get(policy));
    },

    async deletePolicy({ path: { policy } }) {
      await policies.delete(policy);
      return undefined;
    },

    async checkPolicy({ body: { document, bucket } }) {
      try {
        if (bucket === undefined) parsePolicy(document, { name: "checked", source: "identity" });
        else parseBucketPolicy(document, bucket);
        return { valid: true };
      } catch (error) {
        if (!hasCode(error, "POLICY_MALFORMED")) throw error;
        return { valid: false, message: error.message, path: String(error.data["path"] ?? "") };
      }
    },

    async explainAccess({ body }) {
      const resource = body.resource.startsWith("arn:") ? body.resource : `arn:aws:s3:::${body.resource}`;
      const principal = await principalOf(access, body);
      const context = Object.fromEntries(
        Object.entries(body.context ?? {}).map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
      ) as RequestContext;
      const bucketPolicy = await policyOfBucketIn(objects, resource);
      const {
        decision,
        statement,
        policies: explained,
      } = access.explain(principal, {
        ...{ action: actionOf(body.action), resource, context, bucketPolicy },
      });
      const decidedBy = statement && `${statement.policy}, statement ${statement.sid ?? statement.index}`;
      return { decision, decidedBy, policies: explained };
    },
  };
}

function policyShape({ name, canned, createdMillis, updatedMillis, revision }: PolicyInfo): Infer<"Policy"> {
  const createdAt = createdMillis === undefined ? undefined : instant(createdMillis);
  const updatedAt = updatedMillis === undefined ? undefined : instant(updatedMillis);
  return { name, canned, createdAt, updatedAt, revision };
}

function actionOf(name: string): Action {
  if (Object.hasOwn(ACTIONS, name)) return name as Action;
  const nearest = nearestName(name, Object.keys(ACTIONS));
  throw invalid("body.action", `is no action${nearest === undefined ? "" : `; ${nearest} is near`}`);
}

/** Whom the question is about. A user is taken as it is now, whether it is enabled or not. */
async function principalOf(access: Access, { user, accessKeyId }: Question): Promise<Principal> {
  if (user !== undefined && accessKeyId !== undefined)
    throw invalid("body", "names a user and an access key: take one");
  if (accessKeyId !== undefined) {
    const credential = await access.findCredential(accessKeyId);
    if (credential.found) return credential.principal;
    throw apiFailure("CREDENTIAL_REFUSED", { data: { accessKeyId, reason: credential.reason } });
  }
  if (user === undefined) return ANONYMOUS;
  const { name, id, policies } = await access.users.get(user);
  const parsed: Policy[] = [];
  for (const policy of policies) {
    const { document } = await access.policies.get(policy);
    parsed.push(parsePolicy(document, { name: policy, source: "identity" }));
  }
  return { type: "user", name, id, accessKeyId: "", tokenIssuedMillis: undefined, policies: parsed, sessions: [] };
}

async function policyOfBucketIn(objects: Objects, resource: string): Promise<Policy | undefined> {
  const bucket = /^arn:aws:s3:::([^/*?]+)/.exec(resource)?.[1];
  if (bucket === undefined) return undefined;
  try {
    const content = await objects.getDocument(bucket, "policy");
    return content === undefined ? undefined : storedBucketPolicy(content, bucket);
  } catch (error) {
    if (hasCode(error, "BUCKET_MISSING")) return undefined;
    throw error;
  }
}
