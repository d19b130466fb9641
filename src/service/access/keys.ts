// Access keys. Each belongs to a user; its secret is told once, by `create`. A key may carry a narrowing policy, which
// makes it a service account: it can do what its user can and that policy allows.

import type { Clock, Random } from "../../env/index.ts";
import { text, utf8 } from "../../std/bytes.ts";
import { type Row, type Store, TABLES } from "../../store/index.ts";
import { policyOrDeny } from "./canned-policies.ts";
import { type Change, change, type PageRequest, readPage, unchanged } from "./changes.ts";
import type { OpenKey } from "./credentials.ts";
import { accessFailure } from "./errors.ts";
import { ACCESS_LIMITS } from "./limits.ts";
import { checkImportedKey, isKeyId, makeKeyId, makeSecret } from "./names.ts";
import { parsePolicy } from "./policy/policy.ts";
import { decodeKey, decodeNumber, decodeUser, encodeKey, encodeUser, keyRow, usageRow, userRow } from "./records.ts";
import type { Cipher } from "./secrets.ts";
import { readUser } from "./users.ts";

/** Never holds the secret. */
export interface KeyInfo {
  readonly id: string;
  readonly user: string;
  readonly enabled: boolean;
  readonly createdMillis: number;
  readonly expiresMillis: number | undefined;
  readonly description: string;
  /** The narrowing policy's document. */
  readonly policy: string | undefined;
  /** The day that it was last used on, to the day and about a minute late; undefined: never. */
  readonly lastUsedMillis: number | undefined;
}

export interface NewKey {
  readonly id: string;
  /** Not to be had again. */
  readonly secret: string;
}

export interface KeyPage {
  readonly keys: readonly KeyInfo[];
  readonly next: string | undefined;
}

export interface CreateKey {
  readonly description?: string;
  readonly expiresMillis?: number;
  /** The narrowing policy's document. */
  readonly policy?: string;
  /** To take over a key from another system; both are made where left out. */
  readonly imported?: NewKey;
}

export interface UpdateKey {
  readonly enabled?: boolean;
  readonly description?: string;
  /** Null: never. */
  readonly expiresMillis?: number | null;
  /** Null: none. */
  readonly policy?: string | null;
}

export interface KeysParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly checkSpace: () => Promise<void>;
  readonly cipher: Cipher;
  /** Taken by the root key. */
  readonly rootKeyId: string;
  /** Called before a change is acknowledged. */
  readonly changed: (id: string, user: string) => void;
}

const DAY_MILLIS = 86_400_000;

export class Keys {
  readonly #parts: KeysParts;

  constructor(parts: KeysParts) {
    this.#parts = parts;
  }

  /**
   * Throws USER_MISSING, LIMIT_KEYS, KEY_EXISTS, KEY_INVALID, POLICY_MALFORMED, EXPIRY_INVALID, DESCRIPTION_TOO_LONG.
   */
  async create(user: string, options: CreateKey = {}): Promise<NewKey> {
    const { store, clock, random, cipher, rootKeyId, changed, checkSpace } = this.#parts;
    const { imported, description = "", expiresMillis, policy } = options;
    if (imported !== undefined) checkImportedKey(imported.id, imported.secret);
    const { id, secret } = imported ?? { id: makeKeyId(random), secret: makeSecret(random) };
    if (id === rootKeyId) throw accessFailure("KEY_EXISTS", { data: { accessKeyId: id } });
    const nowMillis = clock.now();
    checkKey({ description, expiresMillis, policy }, nowMillis);
    await checkSpace();
    const value = encodeKey({
      user,
      enabled: true,
      createdMillis: nowMillis,
      expiresMillis,
      description,
      policy,
      sealedSecret: cipher.seal(utf8(secret), associatedWith(id)),
    });
    const decide = async (): Promise<Change<string>> => {
      const userRead = await readUser(store, user);
      const record = decodeUser(userRead);
      const { row } = await store.get(keyRow(id));
      if (row !== undefined) throw accessFailure("KEY_EXISTS", { data: { accessKeyId: id } });
      if (record.keyIds.length >= ACCESS_LIMITS.keysPerUserMax) {
        throw accessFailure("LIMIT_KEYS", { data: { user, keysMax: ACCESS_LIMITS.keysPerUserMax } });
      }
      const owner = encodeUser({ ...record, keyIds: [...record.keyIds, id], updatedMillis: nowMillis });
      const checks = [unchanged(userRow(user), userRead), unchanged(keyRow(id), undefined)];
      const puts = [
        { ...userRow(user), value: owner },
        { ...keyRow(id), value },
      ];
      return { commit: { checks, puts }, result: user };
    };
    await change(store, decide, () => changed(id, user));
    return { id, secret };
  }

  /** Throws KEY_MISSING. */
  async get(id: string): Promise<KeyInfo> {
    const { store } = this.#parts;
    const [row, usage] = isKeyId(id) ? await store.getMany([keyRow(id), usageRow(id)]) : [];
    if (row === undefined) throw keyMissing(id);
    return infoOf(id, row, usage);
  }

  /** Of one user, in the order of their creation. Throws USER_MISSING. */
  async listOf(user: string): Promise<readonly KeyInfo[]> {
    const { store } = this.#parts;
    const { keyIds } = decodeUser(await readUser(store, user));
    return this.#infosOf(keyIds);
  }

  /** Of all users, in byte order of the ids. Throws PAGE_INVALID. */
  async list(page: PageRequest): Promise<KeyPage> {
    const { rows, more } = await readPage(this.#parts.store, TABLES.accessKey, page);
    const keys = await this.#infosOf(rows.map(({ name }) => name));
    return { keys, next: more ? rows.at(-1)!.name : undefined };
  }

  /** Throws KEY_MISSING, POLICY_MALFORMED, EXPIRY_INVALID, DESCRIPTION_TOO_LONG. */
  async update(id: string, update: UpdateKey): Promise<KeyInfo> {
    const { store, clock, changed } = this.#parts;
    const { enabled, description, expiresMillis, policy } = update;
    checkKey({ description, expiresMillis: expiresMillis ?? undefined, policy: policy ?? undefined }, clock.now());
    const decide = async (): Promise<Change<string>> => {
      const row = await this.#read(id);
      const record = decodeKey(row);
      const updated = {
        ...record,
        enabled: enabled ?? record.enabled,
        description: description ?? record.description,
        expiresMillis: expiresMillis === undefined ? record.expiresMillis : (expiresMillis ?? undefined),
        policy: policy === undefined ? record.policy : (policy ?? undefined),
      };
      const puts = [{ ...keyRow(id), value: encodeKey(updated) }];
      return { commit: { checks: [unchanged(keyRow(id), row)], puts }, result: record.user };
    };
    await change(store, decide, (user) => changed(id, user));
    return this.get(id);
  }

  /** Temporary credentials that were issued with it are void. Throws KEY_MISSING. */
  async delete(id: string): Promise<void> {
    const { store, clock, changed } = this.#parts;
    const decide = async (): Promise<Change<string>> => {
      const row = await this.#read(id);
      const { user: name } = decodeKey(row);
      const userRead = await readUser(store, name);
      const record = decodeUser(userRead);
      const keyIds = record.keyIds.filter((each) => each !== id);
      const owner = encodeUser({ ...record, keyIds, updatedMillis: clock.now() });
      const checks = [unchanged(keyRow(id), row), unchanged(userRow(name), userRead)];
      const puts = [{ ...userRow(name), value: owner }];
      return { commit: { checks, puts, deletes: [keyRow(id), usageRow(id)] }, result: name };
    };
    await change(store, decide, (user) => changed(id, user));
  }

  async #read(id: string): Promise<Row> {
    const { row } = isKeyId(id) ? await this.#parts.store.get(keyRow(id)) : {};
    if (row === undefined) throw keyMissing(id);
    return row;
  }

  async #infosOf(ids: readonly string[]): Promise<readonly KeyInfo[]> {
    const { store } = this.#parts;
    const infos: KeyInfo[] = [];
    for (let at = 0; at < ids.length; at += READ_KEYS) {
      const batch = ids.slice(at, at + READ_KEYS);
      const rows = await store.getMany(batch.flatMap((id) => [keyRow(id), usageRow(id)]));
      for (const [index, id] of batch.entries()) {
        const row = rows[index * 2];
        // One that was deleted meanwhile.
        if (row !== undefined) infos.push(infoOf(id, row, rows[index * 2 + 1]));
      }
    }
    return infos;
  }
}

const READ_KEYS = 500;

/** For the cache. A secret that can not be opened and a policy that can not be parsed close the key. */
export function openKey(row: Row, id: string, cipher: Cipher): OpenKey {
  const record = decodeKey(row);
  const plain = cipher.open(record.sealedSecret, associatedWith(id));
  return {
    record,
    secret: plain === undefined ? undefined : text(plain),
    policy: record.policy === undefined ? undefined : policyOrDeny(record.policy, `access key ${id}`, "session"),
  };
}

/** Binds a sealed secret to its key, so that rows can not be exchanged. */
function associatedWith(id: string): Uint8Array {
  return utf8(`ashlar access key ${id}`);
}

interface KeyFields {
  readonly description: string | undefined;
  readonly expiresMillis: number | undefined;
  readonly policy: string | undefined;
}

function checkKey({ description, expiresMillis, policy }: KeyFields, nowMillis: number): void {
  const { descriptionCharactersMax } = ACCESS_LIMITS;
  if (description !== undefined && description.length > descriptionCharactersMax) {
    throw accessFailure("DESCRIPTION_TOO_LONG", { data: { charactersMax: descriptionCharactersMax } });
  }
  if (expiresMillis !== undefined && !(Number.isSafeInteger(expiresMillis) && expiresMillis > nowMillis)) {
    throw accessFailure("EXPIRY_INVALID", { data: { expiresMillis } });
  }
  if (policy !== undefined) parsePolicy(policy, { name: "access key", source: "session" });
}

function infoOf(id: string, row: Row, usage: Row | undefined): KeyInfo {
  const { user, enabled, createdMillis, expiresMillis, description, policy } = decodeKey(row);
  const lastUsedMillis = usage === undefined ? undefined : decodeNumber(usage) * DAY_MILLIS;
  return { id, user, enabled, createdMillis, expiresMillis, description, policy, lastUsedMillis };
}

function keyMissing(id: string): Error {
  return accessFailure("KEY_MISSING", { data: { accessKeyId: id.slice(0, 128) } });
}
