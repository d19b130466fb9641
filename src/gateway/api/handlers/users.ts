import { accessFailure, ashlarArn, type KeyInfo, type UserInfo } from "../../../service/access/index.ts";
import { type Handlers, PAGE_DEFAULT, type Services } from "../handler.ts";
import type { USER_OPERATIONS } from "../operations/index.ts";
import type { Infer } from "../schema.ts";
import { instant } from "../status/reporter.ts";
import { invalid, parseInstant } from "../validate.ts";

export function userHandlers({ access }: Services): Handlers<typeof USER_OPERATIONS> {
  const { users, keys, sessions } = access;
  return {
    async listUsers({ query: { after, limit = PAGE_DEFAULT } }) {
      const page = await users.list({ after, limit });
      return { items: page.users.map(userShape), next: page.next };
    },

    async createUser({ path: { user }, body, permissions }) {
      if (body.policies !== undefined && body.policies.length > 0) {
        await permissions.require({ action: "ashlar:UpdateUser", resource: ashlarArn("user", user) });
      }
      return userShape(await users.create(user, defined(body)));
    },

    getUser: async ({ path: { user } }) => userShape(await users.get(user)),

    async updateUser({ path: { user }, body }) {
      return userShape(await users.update(user, defined(body)));
    },

    async deleteUser({ path: { user } }) {
      await users.delete(user);
      await sessions.revokeAll(user);
      return undefined;
    },

    attachPolicy: async ({ path: { user, policy } }) => userShape(await users.attach(user, policy)),

    detachPolicy: async ({ path: { user, policy } }) => userShape(await users.detach(user, policy)),

    async listAccessKeys({ query: { after, limit = PAGE_DEFAULT } }) {
      const page = await keys.list({ after, limit });
      return { items: page.keys.map(keyShape), next: page.next };
    },

    async listUserAccessKeys({ path: { user } }) {
      return { items: (await keys.listOf(user)).map(keyShape) };
    },

    async createAccessKey({ path: { user }, body: { description, expiresAt, policy, id, secret } }) {
      if ((id === undefined) !== (secret === undefined)) throw invalid("body", "needs both id and secret, or neither");
      const imported = id === undefined || secret === undefined ? undefined : { id, secret };
      const expiresMillis = expiresAt === undefined ? undefined : parseInstant(expiresAt);
      return { user, ...(await keys.create(user, defined({ description, expiresMillis, policy, imported }))) };
    },

    async updateAccessKey({ path: { user, key }, body: { enabled, description, expiresAt, policy } }) {
      await requireOwner(user, key);
      const expiresMillis = typeof expiresAt === "string" ? parseInstant(expiresAt) : expiresAt;
      return keyShape(await keys.update(key, defined({ enabled, description, expiresMillis, policy })));
    },

    async deleteAccessKey({ path: { user, key } }) {
      await requireOwner(user, key);
      await keys.delete(key);
      return undefined;
    },
  };

  /** The caller was authorized for the user in the path: only keys of that user count. */
  async function requireOwner(user: string, key: string): Promise<void> {
    if ((await keys.get(key)).user !== user) throw accessFailure("KEY_MISSING", { data: { accessKeyId: key, user } });
  }
}

function userShape({
  name,
  id,
  enabled,
  createdMillis,
  updatedMillis,
  policies,
  keyCount,
  revision,
}: UserInfo): Infer<"User"> {
  const times = { createdAt: instant(createdMillis), updatedAt: instant(updatedMillis) };
  return { name, id, enabled, ...times, policies, keyCount, revision };
}

function keyShape(key: KeyInfo): Infer<"AccessKey"> {
  const { id, user, enabled, createdMillis, expiresMillis, description, policy, lastUsedMillis } = key;
  return {
    ...{ id, user, enabled, description, policy },
    createdAt: instant(createdMillis),
    expiresAt: expiresMillis === undefined ? undefined : instant(expiresMillis),
    lastUsedAt: lastUsedMillis === undefined ? undefined : instant(lastUsedMillis),
  };
}

type Defined<T> = { [Name in keyof T]: Exclude<T[Name], undefined> };

/** Without the properties that are undefined: services tell "left out" from a value. */
export function defined<T extends object>(value: T): Partial<Defined<T>> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Partial<Defined<T>>;
}
