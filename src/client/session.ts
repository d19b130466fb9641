// What makes a commit happen once though it is sent several times: a session, which is a lease at the server, and a
// number in it. Nobody has to close one: it is kept alive by the commits that use it, and ends by itself after them.

import type { Clock } from "../env/index.ts";
import { hasCode } from "../std/errors.ts";
import type { CallOptions } from "./call-options.ts";
import type { Caller } from "./caller.ts";
import { jsonBody } from "./json-body.ts";

export interface RequestName {
  readonly session: string;
  readonly sequence: number;
  readonly acknowledged: number;
}

const TTL_MILLIS = 120_000;
/** Long before the server ends it. */
const USABLE_MILLIS = TTL_MILLIS * 0.75;
const RENEW_MILLIS = TTL_MILLIS * 0.25;
const CLOSE_MILLIS = 1000;
/** Of commits from the oldest that is open to the newest: a server keeps the results of a thousand. */
const WINDOW = 1000;

/** One at a time, opened by the first commit that needs it. */
export class Sessions {
  readonly #caller: Caller;
  readonly #clock: Clock;
  #current: Session | undefined;
  #opening: Promise<void> | undefined;

  constructor(caller: Caller, clock: Clock) {
    this.#caller = caller;
    this.#clock = clock;
  }

  /** A name in a session that is alive as far as this side knows. Rejects with ACCESS_DENIED without `ashlar:GrantLease`. */
  async begin(options: CallOptions): Promise<{ readonly session: Session; readonly request: RequestName }> {
    for (;;) {
      const session = this.#current;
      const now = this.#clock.monotonic();
      if (session !== undefined && !session.isFull && now < session.usableUntil) {
        if (now >= session.usableUntil - USABLE_MILLIS + RENEW_MILLIS) this.#renew(session);
        return { session, request: session.begin() };
      }
      this.#opening ??= this.#open(options);
      await this.#opening;
    }
  }

  /** The server does not know it any more. */
  lost(session: Session): void {
    if (this.#current === session) this.#current = undefined;
  }

  /** The server forgets the results that it keeps for repeats. */
  async close(): Promise<void> {
    const session = this.#current;
    this.#current = undefined;
    if (session === undefined) return;
    const call = { method: "DELETE", path: `/v1/kv/leases/${session.id}` } as const;
    // It would end by itself.
    await this.#caller.call(call, "reads", { timeoutMillis: CLOSE_MILLIS }).catch(() => {});
  }

  /** Many commits may wait for it: it has the time of the first one. */
  async #open({ timeoutMillis }: CallOptions): Promise<void> {
    try {
      const sentAt = this.#clock.monotonic();
      const call = { method: "POST", path: "/v1/kv/leases", body: jsonBody({ ttlMillis: TTL_MILLIS }) } as const;
      const { lease } = (await this.#caller.call(call, "reads", { timeoutMillis })) as { readonly lease: string };
      this.#current = new Session(lease, sentAt + USABLE_MILLIS);
    } finally {
      this.#opening = undefined;
    }
  }

  #renew(session: Session): void {
    if (session.renewing) return;
    session.renewing = true;
    const sentAt = this.#clock.monotonic();
    const call = { method: "POST", path: `/v1/kv/leases/${session.id}/keep-alive` } as const;
    const renewed = this.#caller.call(call, "reads", { timeoutMillis: session.usableUntil - sentAt }).then(
      () => {
        session.usableUntil = sentAt + USABLE_MILLIS;
      },
      (error: unknown) => {
        if (hasCode(error, "LEASE_UNKNOWN")) this.lost(session);
      },
    );
    void renewed.then(() => {
      session.renewing = false;
    });
  }
}

export class Session {
  readonly id: string;
  usableUntil: number;
  renewing = false;
  #last = 0;
  /** In their order. */
  readonly #open = new Set<number>();

  constructor(id: string, usableUntil: number) {
    this.id = id;
    this.usableUntil = usableUntil;
  }

  /** One commit that takes long may hold up the window: the next ones then go in another session. */
  get isFull(): boolean {
    const [oldest = this.#last + 1] = this.#open;
    return this.#last + 1 - oldest >= WINDOW;
  }

  begin(): RequestName {
    const sequence = ++this.#last;
    this.#open.add(sequence);
    const [oldest = sequence] = this.#open;
    return { session: this.id, sequence, acknowledged: oldest - 1 };
  }

  /** Its result is here, or given up: a copy of it that is still on its way is refused from the next commit on. */
  end({ sequence }: RequestName): void {
    this.#open.delete(sequence);
  }
}
