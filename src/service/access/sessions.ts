// Sessions of the console and the HTTP API. A session is an opaque token of 256 random bits; the Store holds only its
// hash, so that what is read from a disk or a backup opens nothing. It ends when it is not used for a while, at an age
// that use does not extend, and when it is revoked. A user has a limited number: the oldest makes room for a new one.

import type { Clock, Random } from "../../env/index.ts";
import { text, toHex } from "../../std/bytes.ts";
import { AshlarError } from "../../std/errors.ts";
import { type Check, type Row, type RowAddress, type RowKey, type Store, TABLES } from "../../store/index.ts";
import { fromBase64Url, toBase64Url } from "./base64-url.ts";
import { type Change, change, unchanged } from "./changes.ts";
import { accessFailure } from "./errors.ts";
import { ACCESS_LIMITS } from "./limits.ts";
import type { RowCache } from "./row-cache.ts";
import type { Sha256 } from "./secrets.ts";
import {
  decodeSession,
  decodeSessionList,
  encodeSession,
  encodeSessionList,
  ownerRow,
  SESSION_KEY_PREFIX,
  type SessionListEntry,
  type SessionRecord,
  sessionKey,
  sessionRow,
} from "./session-records.ts";

export interface SessionLimits {
  readonly idleMillis: number;
  readonly absoluteMillis: number;
  readonly perUserMax: number;
}

export const SESSION_LIMITS: SessionLimits = {
  idleMillis: ACCESS_LIMITS.sessionIdleMillis,
  absoluteMillis: ACCESS_LIMITS.sessionAbsoluteMillis,
  perUserMax: ACCESS_LIMITS.sessionsPerUserMax,
};

export interface Session extends SessionRecord {
  /** Names the session in lists; the token can not be had from it. */
  readonly id: string;
  /** If it is not used before. */
  readonly expiresMillis: number;
}

export interface NewSession {
  readonly token: string;
  readonly session: Session;
}

export interface SessionOwner {
  readonly owner: string;
  /** UserInfo.id: a user of the same name that is created later does not take the session over. */
  readonly ownerId: string;
  /** The key that was signed in with: the session can do what it can, as long as it can. */
  readonly accessKeyId: string;
  readonly address: string;
  readonly userAgent: string;
}

export interface SessionsParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly sha256: Sha256;
  readonly cache: RowCache<SessionRecord>;
  readonly limits: SessionLimits;
}

const TOKEN_BYTES = 32;
/** Use is written when an eighth of the idle time has passed since it was last: at most eight times an idle time. */
const TOUCH_SHARE = 8;

export class Sessions {
  readonly #parts: SessionsParts;
  readonly #touching: Set<string> = new Set();

  constructor(parts: SessionsParts) {
    this.#parts = parts;
  }

  async create(owner: SessionOwner): Promise<NewSession> {
    const { store, clock, random, limits } = this.#parts;
    const secret = random.bytes(TOKEN_BYTES);
    const id = this.#idOf(secret);
    const nowMillis = clock.now();
    const userAgent = owner.userAgent.slice(0, ACCESS_LIMITS.userAgentCharactersMax);
    const record: SessionRecord = { ...owner, userAgent, createdMillis: nowMillis, seenMillis: nowMillis };
    const decide = async (): Promise<Change<readonly string[]>> => {
      const address = ownerRow(owner.owner);
      const { row } = await store.get(address);
      const before = row === undefined ? [] : decodeSessionList(row);
      const alive = before.filter((entry) => entry.createdMillis + limits.absoluteMillis > nowMillis);
      // Ages tell the oldest: entries stand in the order of their creation.
      const kept = [...alive, { id, createdMillis: nowMillis }].slice(-limits.perUserMax);
      const gone = before.map((entry) => entry.id).filter((each) => !kept.some((entry) => entry.id === each));
      const puts = [
        { ...address, value: encodeSessionList(kept) },
        { ...sessionRow(id), value: encodeSession(record) },
      ];
      return { commit: { checks: [unchanged(address, row)], puts, deletes: gone.map(sessionRow) }, result: gone };
    };
    await change(store, decide, (gone) => this.#forget(gone));
    return { token: toBase64Url(secret), session: this.#sessionOf(id, record) };
  }

  /** Undefined where the token names no session, or one that has ended. A use extends it. */
  async find(token: string): Promise<Session | undefined> {
    const secret = token.length > 64 ? undefined : fromBase64Url(token);
    if (secret?.length !== TOKEN_BYTES) return undefined;
    const { cache, clock, limits } = this.#parts;
    const id = this.#idOf(secret);
    const cached = cache.peek(sessionKey(id)) ?? (await cache.load(sessionKey(id)));
    const record = cached.value;
    if (record === undefined) return undefined;
    const nowMillis = clock.now();
    if (this.#expiryOf(record) <= nowMillis) return undefined;
    if (nowMillis - record.seenMillis <= limits.idleMillis / TOUCH_SHARE) return this.#sessionOf(id, record);
    const seen = { ...record, seenMillis: nowMillis };
    void this.#touch(id, seen, cached.revision);
    return this.#sessionOf(id, seen);
  }

  /** Of one user, the oldest first. */
  async listOf(owner: string): Promise<readonly Session[]> {
    const { store, clock } = this.#parts;
    const { row } = await store.get(ownerRow(owner));
    const entries = row === undefined ? [] : decodeSessionList(row);
    const rows = await store.getMany(entries.map(({ id }) => sessionRow(id)));
    const nowMillis = clock.now();
    return entries.flatMap(({ id }, at) => {
      const found = rows[at];
      const session = found === undefined ? undefined : this.#sessionOf(id, decodeSession(found));
      return session === undefined || session.expiresMillis <= nowMillis ? [] : [session];
    });
  }

  /** Throws SESSION_MISSING. */
  async revoke(owner: string, id: string): Promise<void> {
    await this.#end(owner, (entries) => {
      if (!entries.some((entry) => entry.id === id)) throw accessFailure("SESSION_MISSING", { data: { owner } });
      return entries.filter((entry) => entry.id !== id);
    });
  }

  /** Ends all of a user's sessions. */
  async revokeAll(owner: string): Promise<void> {
    await this.#end(owner, () => []);
  }

  /** Deletes the rows of sessions that have ended. Harmless beside every other call, also on several nodes at once. */
  async sweep(signal?: AbortSignal): Promise<void> {
    const { store } = this.#parts;
    const options = signal === undefined ? {} : { signal };
    let after: RowKey | undefined;
    for (;;) {
      const range = after === undefined ? {} : { after };
      const page = await store.scan(TABLES.session, range, { limit: SWEEP_ROWS, ...options });
      const ended = page.rows.filter((row) => this.#hasEnded(row));
      const checks: Check[] = ended.map(({ table, key, revision }) => ({ table, key, revision }));
      // One that changed meanwhile is looked at by the next sweep.
      if (ended.length > 0) await store.commit({ checks, deletes: ended.map(({ table, key }) => ({ table, key })) });
      after = page.rows.at(-1);
      if (!page.more || after === undefined) return;
    }
  }

  #hasEnded(row: Row): boolean {
    const nowMillis = this.#parts.clock.now();
    if (text(row.key).startsWith(SESSION_KEY_PREFIX)) return this.#expiryOf(decodeSession(row)) <= nowMillis;
    const { absoluteMillis } = this.#parts.limits;
    return decodeSessionList(row).every((entry) => entry.createdMillis + absoluteMillis <= nowMillis);
  }

  async #end(
    owner: string,
    keep: (entries: readonly SessionListEntry[]) => readonly SessionListEntry[],
  ): Promise<void> {
    const { store } = this.#parts;
    const decide = async (): Promise<Change<readonly string[]>> => {
      const address = ownerRow(owner);
      const { row } = await store.get(address);
      const entries = row === undefined ? [] : decodeSessionList(row);
      const kept = keep(entries);
      const gone = entries.filter((entry) => !kept.includes(entry)).map((entry) => entry.id);
      const puts = kept.length === 0 ? [] : [{ ...address, value: encodeSessionList(kept) }];
      const deletes: RowAddress[] = [...gone.map(sessionRow), ...(kept.length === 0 ? [address] : [])];
      return { commit: { checks: [unchanged(address, row)], puts, deletes }, result: gone };
    };
    await change(store, decide, (gone) => this.#forget(gone));
  }

  /** Written behind the answer: if it is lost, the session ends a little early. */
  async #touch(id: string, record: SessionRecord, revision: number): Promise<void> {
    if (this.#touching.has(id)) return;
    this.#touching.add(id);
    try {
      const checks = [{ ...sessionRow(id), revision }];
      await this.#parts.store.commit({ checks, puts: [{ ...sessionRow(id), value: encodeSession(record) }] });
    } catch (error) {
      if (!(error instanceof AshlarError)) throw error;
    } finally {
      this.#touching.delete(id);
      this.#forget([id]);
    }
  }

  #forget(ids: readonly string[]): void {
    for (const id of ids) this.#parts.cache.invalidate(sessionKey(id));
  }

  #idOf(secret: Uint8Array): string {
    return toHex(this.#parts.sha256(secret));
  }

  #sessionOf(id: string, record: SessionRecord): Session {
    return { ...record, id, expiresMillis: this.#expiryOf(record) };
  }

  #expiryOf(record: SessionRecord): number {
    const { idleMillis, absoluteMillis } = this.#parts.limits;
    return Math.min(record.seenMillis + idleMillis, record.createdMillis + absoluteMillis);
  }
}

const SWEEP_ROWS = 100;
