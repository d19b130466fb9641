// Users. Groups are left out on purpose: a policy attached to several users does their work, and who may do what stays
// readable from one row. A user goes together with its keys in one commit.

import type { Clock, Random } from "../../env/index.ts";
import { type Commit, type Row, type Store, TABLES } from "../../store/index.ts";
import { type Change, change, checkRevision, type PageRequest, readPage, unchanged } from "./changes.ts";
import { accessFailure } from "./errors.ts";
import { ACCESS_LIMITS } from "./limits.ts";
import { checkUserName, makeUserId } from "./names.ts";
import { changeReferences } from "./policies.ts";
import { decodeUser, encodeUser, keyRow, type UserRecord, usageRow, userRow } from "./records.ts";

export interface UserInfo {
  readonly name: string;
  /** Of this user alone: one that is created later under the same name has another. */
  readonly id: string;
  readonly enabled: boolean;
  readonly createdMillis: number;
  readonly updatedMillis: number;
  readonly policies: readonly string[];
  readonly keyCount: number;
  /** For `ifRevision`. It also moves when keys are made and deleted. */
  readonly revision: number;
}

export interface UserPage {
  readonly users: readonly UserInfo[];
  readonly next: string | undefined;
}

export interface CreateUser {
  /** True where left out. */
  readonly enabled?: boolean;
  readonly policies?: readonly string[];
}

export interface UpdateUser {
  readonly enabled?: boolean;
  /** All of them: what is not listed is detached. */
  readonly policies?: readonly string[];
  /** True makes all temporary credentials void that were issued up to now. */
  readonly revokeTokens?: boolean;
  readonly ifRevision?: number;
}

export interface UsersParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly checkSpace: () => Promise<void>;
}

export class Users {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #checkSpace: () => Promise<void>;
  readonly #changed: (name: string, keyIds: readonly string[]) => void;

  /** `changed` is called before a change is acknowledged, with the keys that went. */
  constructor(
    { store, clock, random, checkSpace }: UsersParts,
    changed: (name: string, deletedKeyIds: readonly string[]) => void,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#random = random;
    this.#checkSpace = checkSpace;
    this.#changed = changed;
  }

  /** Throws NAME_INVALID, USER_EXISTS, POLICY_MISSING, LIMIT_POLICIES. */
  async create(name: string, { enabled = true, policies = [] }: CreateUser = {}): Promise<UserInfo> {
    checkUserName(name);
    const attached = distinct(policies);
    await this.#checkSpace();
    const nowMillis = this.#clock.now();
    const user: UserRecord = {
      id: makeUserId(this.#random),
      enabled,
      createdMillis: nowMillis,
      updatedMillis: nowMillis,
      tokensFromMillis: nowMillis,
      policies: attached,
      keyIds: [],
    };
    const decide = async (): Promise<Change<undefined>> => {
      const address = userRow(name);
      const { row } = await this.#store.get(address);
      if (row !== undefined) throw accessFailure("USER_EXISTS", { data: { name } });
      const references = await changeReferences(this.#store, attached, []);
      const checks = [unchanged(address, undefined), ...references.checks];
      const puts = [{ ...address, value: encodeUser(user) }, ...references.puts];
      return { commit: { checks, puts, deletes: references.deletes }, result: undefined };
    };
    const { revision } = await change(this.#store, decide, () => this.#changed(name, []));
    return infoOf(name, user, revision);
  }

  /** Throws USER_MISSING. */
  async get(name: string): Promise<UserInfo> {
    const row = await readUser(this.#store, name);
    return infoOf(name, decodeUser(row), row.revision);
  }

  /** In byte order of the names. Throws PAGE_INVALID. */
  async list(page: PageRequest): Promise<UserPage> {
    const { rows, more } = await readPage(this.#store, TABLES.user, page);
    const users = rows.map(({ name, row }) => infoOf(name, decodeUser(row), row.revision));
    return { users, next: more ? rows.at(-1)!.name : undefined };
  }

  /** Throws USER_MISSING, REVISION_CHANGED, POLICY_MISSING, LIMIT_POLICIES. */
  async update(name: string, update: UpdateUser): Promise<UserInfo> {
    const wanted = update.policies === undefined ? undefined : distinct(update.policies);
    return this.#change(name, update.ifRevision, () => wanted, update);
  }

  /** Attaching what is attached changes nothing. Throws USER_MISSING, POLICY_MISSING, LIMIT_POLICIES. */
  async attach(name: string, policy: string): Promise<UserInfo> {
    return this.#change(name, undefined, (policies) => distinct([...policies, policy]));
  }

  /** Detaching what is not attached changes nothing. Throws USER_MISSING. */
  async detach(name: string, policy: string): Promise<UserInfo> {
    return this.#change(name, undefined, (policies) => policies.filter((each) => each !== policy));
  }

  /** With its keys; its temporary credentials and sessions are void. Throws USER_MISSING. */
  async delete(name: string): Promise<void> {
    const decide = async (): Promise<Change<readonly string[]>> => {
      const row = await readUser(this.#store, name);
      const user = decodeUser(row);
      const references = await changeReferences(this.#store, [], user.policies);
      const keys = user.keyIds.flatMap((id) => [keyRow(id), usageRow(id)]);
      const commit: Commit = {
        checks: [unchanged(userRow(name), row), ...references.checks],
        puts: references.puts,
        deletes: [userRow(name), ...keys, ...references.deletes],
      };
      return { commit, result: user.keyIds };
    };
    await change(this.#store, decide, (keyIds) => this.#changed(name, keyIds));
  }

  async #change(
    name: string,
    ifRevision: number | undefined,
    policiesOf: (policies: readonly string[]) => readonly string[] | undefined,
    update: UpdateUser = {},
  ): Promise<UserInfo> {
    const decide = async (): Promise<Change<UserRecord>> => {
      const row = await readUser(this.#store, name);
      checkRevision(row, ifRevision);
      const user = decodeUser(row);
      const policies = policiesOf(user.policies) ?? user.policies;
      const attached = policies.filter((policy) => !user.policies.includes(policy));
      const detached = user.policies.filter((policy) => !policies.includes(policy));
      const references = await changeReferences(this.#store, attached, detached);
      const nowMillis = this.#clock.now();
      const changed: UserRecord = {
        ...user,
        enabled: update.enabled ?? user.enabled,
        policies,
        updatedMillis: nowMillis,
        // One more, so that a token of this same millisecond is void too.
        tokensFromMillis: update.revokeTokens === true ? nowMillis + 1 : user.tokensFromMillis,
      };
      const checks = [unchanged(userRow(name), row), ...references.checks];
      const puts = [{ ...userRow(name), value: encodeUser(changed) }, ...references.puts];
      return { commit: { checks, puts, deletes: references.deletes }, result: changed };
    };
    const { result, revision } = await change(this.#store, decide, () => this.#changed(name, []));
    return infoOf(name, result, revision);
  }
}

/** Throws USER_MISSING, and NAME_INVALID for what can be no name. */
export async function readUser(store: Store, name: string): Promise<Row> {
  checkUserName(name);
  const { row } = await store.get(userRow(name));
  if (row === undefined) throw accessFailure("USER_MISSING", { data: { name } });
  return row;
}

function infoOf(name: string, user: UserRecord, revision: number): UserInfo {
  const { id, enabled, createdMillis, updatedMillis, policies, keyIds } = user;
  return { name, id, enabled, createdMillis, updatedMillis, policies, keyCount: keyIds.length, revision };
}

/** Throws LIMIT_POLICIES. */
function distinct(policies: readonly string[]): readonly string[] {
  const names = [...new Set(policies)];
  if (names.length <= ACCESS_LIMITS.policiesPerUserMax) return names;
  throw accessFailure("LIMIT_POLICIES", { data: { policiesMax: ACCESS_LIMITS.policiesPerUserMax } });
}
