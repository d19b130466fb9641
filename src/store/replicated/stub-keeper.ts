// Who leads a group that is not the root looks after what it has of the root's leases: it makes sure that the root group
// knows of them, ends those that are over there, and forgets after a while what has ended.

import type { Clock, Timer, Timers } from "../../env/index.ts";
import type { Command } from "../command.ts";
import { successor } from "../key-codec.ts";
import { LEASE_KEYS } from "../machine/keys.ts";
import { decodeLeaseRow, isStub, type LeaseRecord } from "../machine/leases.ts";
import { BURIED_MAX } from "../machine/lent-leases.ts";
import type { CommandResult, StoreMachine } from "../machine.ts";
import type { LeaseId } from "../store.ts";
import type { LeaseGroups } from "./lease-groups.ts";

export interface StubKeeperSettings {
  readonly group: number;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly machine: StoreMachine;
  readonly leases: LeaseGroups;
  readonly propose: (command: Command) => Promise<CommandResult>;
  readonly leads: () => boolean;
  /** Between two looks. */
  readonly lookMillis: number;
  /** What has ended is remembered so long, for whoever was about to adopt it. */
  readonly endedKeptMillis: number;
}

/** Leases that one look goes through; the next one goes on behind them. */
const LOOKED_MAX = 2048;
/** Questions to the root group, and ends, of one look. */
const ACTS_MAX = 256;

export class StubKeeper {
  readonly #settings: StubKeeperSettings;
  /** Since this node leads: the root group knows that they are here. */
  readonly #confirmed = new Set<LeaseId>();
  /** When each was first seen to have ended. */
  readonly #ended = new Map<LeaseId, number>();
  #next: Uint8Array = LEASE_KEYS.from;
  #timer: Timer | undefined;
  #looking: Promise<void> | undefined;
  #isClosed = false;

  constructor(settings: StubKeeperSettings) {
    this.#settings = settings;
    this.#later();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#looking;
  }

  #later(): void {
    this.#timer = this.#settings.timers.after(this.#settings.lookMillis, () => {
      this.#looking = this.#look().finally(() => {
        this.#looking = undefined;
        if (!this.#isClosed) this.#later();
      });
    });
  }

  async #look(): Promise<void> {
    const { machine, leads } = this.#settings;
    if (machine.restoring !== undefined) return;
    if (!leads()) {
      this.#confirmed.clear();
      this.#ended.clear();
      return;
    }
    try {
      const stubs = this.#stubs();
      await this.#bury(stubs.filter(({ ended }) => ended));
      let acts = 0;
      for (const { lease, ending, ended } of stubs) {
        if (ended || this.#confirmed.has(lease)) continue;
        if (this.#isClosed || ++acts > ACTS_MAX) return;
        await this.#keep(lease, ending);
      }
    } catch {
      // A group that does not answer, or a damaged row: what is left has its turn in a later look.
    }
  }

  #stubs(): (LeaseRecord & { readonly lease: LeaseId })[] {
    const rows = this.#settings.machine.scan({ from: this.#next, to: LEASE_KEYS.to, limit: LOOKED_MAX });
    this.#next = rows.length < LOOKED_MAX ? LEASE_KEYS.from : successor(rows.at(-1)!.key);
    return rows.map(({ key, value }) => decodeLeaseRow(key, value)).filter(isStub);
  }

  async #keep(lease: LeaseId, isEnding: boolean): Promise<void> {
    const { group, leases, propose } = this.#settings;
    if (!isEnding && (await leases.lend(lease, group))) {
      this.#confirmed.add(lease);
      return;
    }
    // A locked row, or one that is on its way, has its turn later.
    await propose({ kind: "end", lease });
  }

  async #bury(ended: readonly { readonly lease: LeaseId }[]): Promise<void> {
    const { clock, endedKeptMillis, propose } = this.#settings;
    const now = clock.monotonic();
    const due: LeaseId[] = [];
    for (const { lease } of ended) {
      const since = this.#ended.get(lease) ?? now;
      if (now - since >= endedKeptMillis && due.length < BURIED_MAX) due.push(lease);
      this.#ended.set(lease, since);
      this.#confirmed.delete(lease);
    }
    if (due.length === 0) return;
    await propose({ kind: "bury", leases: due });
    for (const lease of due) this.#ended.delete(lease);
  }
}
