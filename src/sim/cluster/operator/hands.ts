import type { Client, SimRun } from "../../kernel/index.ts";
import type { ApiAnswer, Caller } from "../caller.ts";
import { type ClusterView, lacks } from "../invariants/convergence.ts";
import type { ClusterKnobs } from "../knobs.ts";
import type { Peace } from "../peace.ts";
import type { Seat } from "../seat.ts";

const RETRY_MILLIS = 200;

export interface HandsParts {
  readonly run: SimRun<ClusterKnobs>;
  readonly caller: Caller;
  readonly peace: Peace;
  readonly counts: Record<string, number>;
  readonly seats: () => readonly Seat[];
  readonly seatOf: (id: number) => Seat;
}

/** What all that an operator does at once goes by. */
export interface OperatorState {
  needsPeace: boolean;
  /** When a disk was lost last. */
  lostMillis: number;
}

/** What an operator works with: servers that he starts and stops, and the cluster's own API. */
export class Hands {
  readonly run: SimRun<ClusterKnobs>;
  readonly client: Client;
  readonly peace: Peace;
  readonly counts: Record<string, number>;
  readonly seatOf: (id: number) => Seat;
  readonly #parts: HandsParts;
  readonly #state: OperatorState;

  constructor(client: Client, parts: HandsParts, state: OperatorState) {
    this.run = parts.run;
    this.client = client;
    this.peace = parts.peace;
    this.counts = parts.counts;
    this.seatOf = parts.seatOf;
    this.#parts = parts;
    this.#state = state;
  }

  get seats(): readonly Seat[] {
    return this.#parts.seats();
  }

  /** Where a node of the cluster is in service, or should be. */
  get sound(): readonly Seat[] {
    return this.seats.filter(({ state }) => state === "sound");
  }

  get serving(): readonly Seat[] {
    return this.sound.filter(({ server }) => server !== undefined);
  }

  /** At one server. Undefined: no answer. */
  call(seat: Seat, method: string, target: string, body?: unknown): Promise<ApiAnswer | undefined> {
    return this.#parts.caller.api(this.client, seat, { method, target, ...(body !== undefined && { body }) });
  }

  /**
   * At any server, again and again until one has decided it. Where it is not known what came of one try, a refusal of a
   * later one says nothing about that: then the matter is in doubt.
   */
  async decided(method: string, target: string): Promise<"done" | "refused" | "in doubt"> {
    for (let isInDoubt = false; ; ) {
      const seat = this.serving.length === 0 ? undefined : this.client.prng.pick(this.serving);
      const answer = seat && (await this.call(seat, method, target));
      this.client.trace("operator", `${method} ${target}: ${answer?.status ?? "no answer"}`);
      if (answer !== undefined && answer.status < 300) return "done";
      if (answer !== undefined && answer.status < 500) return isInDoubt ? "in doubt" : "refused";
      if (seat !== undefined && (answer === undefined || answer.status >= 500)) isInDoubt = true;
      await this.client.sleep(RETRY_MILLIS);
    }
  }

  /** What one server reports. */
  async viewOf(seat: Seat): Promise<ClusterView | undefined> {
    const answer = await this.call(seat, "GET", "/v1/cluster");
    return answer?.status === 200 ? (answer.value as ClusterView) : undefined;
  }

  /** Whether the cluster says that it has removed the node. */
  async isRemoved(member: number): Promise<boolean> {
    for (;;) {
      const view = this.serving.length === 0 ? undefined : await this.viewOf(this.client.prng.pick(this.serving));
      if (view !== undefined) return view.nodes.some(({ id, state }) => id === member && state === "removed");
      await this.client.sleep(RETRY_MILLIS);
    }
  }

  /** Why not every server says that the cluster is in full health. */
  async lack(): Promise<string | undefined> {
    for (const seat of this.sound) {
      if (seat.server === undefined) return `${seat.name} is not ready`;
      const view = await this.viewOf(seat);
      const reason = view === undefined ? "it does not answer" : lacks(view, this.seats);
      if (reason !== undefined) return `${seat.name}: ${reason}`;
    }
    return undefined;
  }

  /** Whether so long has gone by since a disk was lost that no report counts its node among those that answer. */
  hasNoticedLosses(millis: number): boolean {
    return this.run.nowMillis - this.#state.lostMillis > millis;
  }

  /** Once no fault is in force, and none happens meanwhile; passed over where that takes longer. */
  async inPeace(millis: number, act: () => Promise<void>): Promise<void> {
    this.#state.needsPeace = true;
    try {
      if (await this.within(millis, () => this.peace.isNow)) if ((await this.lack()) === undefined) await act();
    } finally {
      this.#state.needsPeace = false;
    }
  }

  /** True once it is; false where it takes longer. */
  async within(millis: number, isThere: () => boolean): Promise<boolean> {
    const endMillis = this.run.nowMillis + millis;
    while (!isThere()) {
      if (this.run.nowMillis > endMillis) return false;
      await this.client.sleep(RETRY_MILLIS);
    }
    return true;
  }
}
