import type { Client } from "../../kernel/index.ts";
import { type ClusterView, lacks } from "../invariants/convergence.ts";
import type { Seat } from "../seat.ts";
import { ACTIONS_BY_NAME } from "./actions.ts";
import { Hands, type HandsParts } from "./hands.ts";
import { changeRanges, unrest } from "./ranges.ts";

const LOOK_MILLIS = 300;
/** What was seen is good for so long. */
const FRESH_MILLIS = 1_000;
const RETRY_MILLIS = 200;

export interface Admission {
  readonly address: string;
  readonly token: string;
}

/** Somebody who runs the cluster: he does one thing after the other, lets newcomers in, and looks how it is. */
export class Operator {
  readonly #parts: HandsParts;
  readonly #state = { needsPeace: false, lostMillis: Number.NEGATIVE_INFINITY };
  #view: { readonly view: ClusterView; readonly atMillis: number } | undefined;
  #isChangingMembers = false;
  #isAtWork = false;

  constructor(parts: HandsParts) {
    this.#parts = parts;
  }

  /** No fault may happen: he counts on nodes that hear each other. */
  get needsPeace(): boolean {
    return this.#state.needsPeace;
  }

  begin(): void {
    const { run } = this.#parts;
    run.client((client) => this.#watch(client));
    const { operatorMillis, actions, rangesMillis } = run.knobs;
    if (operatorMillis > 0 && actions.length > 0) run.client((client) => this.#work(client));
    if (rangesMillis > 0) run.client((client) => this.#changeRanges(client));
  }

  /** A token, and where to show it. */
  admissionFor(seat: Seat, firstToken: string | undefined): Promise<Admission> {
    const admission = Promise.withResolvers<Admission>();
    this.#parts.run.client(async (client) => {
      const hands = this.#hands(client);
      while (seat.context?.isAlive === true) {
        const token = await this.#tokenFor(seat, firstToken, hands);
        if (token !== undefined) return admission.resolve(token);
        await client.sleep(RETRY_MILLIS);
      }
    });
    return admission.promise;
  }

  /** Whether the cluster survives that the disk is gone: where all others have what this one has. */
  mayLoseDisk(seat: Seat): boolean {
    const { run, seats, peace } = this.#parts;
    if (this.#isChangingMembers || seat.member === 0 || seat.state !== "sound" || !peace.isNow) return false;
    const isFresh = this.#view !== undefined && run.nowMillis - this.#view.atMillis < FRESH_MILLIS;
    return isFresh && lacks(this.#view!.view, seats()) === undefined && this.#view!.view.canLose > 0;
  }

  losesDisk(seat: Seat): void {
    seat.replaces = seat.member;
    seat.member = 0;
    this.#state.lostMillis = this.#parts.run.nowMillis;
  }

  /** Why the cluster is not in full health, or not left alone. */
  async lack(client: Client): Promise<string | undefined> {
    if (this.#isAtWork) return "the operator is at work";
    const hands = this.#hands(client);
    return (await hands.lack()) ?? (await unrest(hands));
  }

  async #work(client: Client): Promise<void> {
    const { run, counts } = this.#parts;
    const hands = this.#hands(client);
    for (;;) {
      await client.sleep(run.knobs.operatorMillis * 2 * client.prng.unit());
      if (!run.isFaulty) return;
      const name = client.prng.pick(run.knobs.actions);
      const { run: act, changesMembers } = ACTIONS_BY_NAME[name];
      client.trace("operator", name);
      counts["actions"]!++;
      this.#isChangingMembers = changesMembers;
      this.#isAtWork = true;
      await act(hands);
      this.#isChangingMembers = false;
      this.#isAtWork = false;
    }
  }

  /** Whatever else he does. */
  async #changeRanges(client: Client): Promise<void> {
    const { run } = this.#parts;
    const hands = this.#hands(client);
    for (;;) {
      await client.sleep(run.knobs.rangesMillis * 2 * client.prng.unit());
      if (!run.isFaulty) return;
      await changeRanges(hands);
    }
  }

  async #watch(client: Client): Promise<void> {
    const hands = this.#hands(client);
    for (;;) {
      await client.sleep(LOOK_MILLIS);
      const { serving } = hands;
      if (serving.length === 0) continue;
      const view = await hands.viewOf(client.prng.pick(serving));
      if (view !== undefined) this.#view = { view, atMillis: this.#parts.run.nowMillis };
    }
  }

  async #tokenFor(seat: Seat, firstToken: string | undefined, hands: Hands): Promise<Admission | undefined> {
    const serving = hands.serving.filter((other) => other !== seat);
    if (serving.length === 0) return undefined;
    const contact = hands.client.prng.pick(serving);
    if (seat.replaces === 0 && firstToken !== undefined) return { address: contact.peer, token: firstToken };
    const body = seat.replaces === 0 ? {} : { replaces: seat.replaces };
    const answer = await hands.call(contact, "POST", "/v1/cluster/tokens", body);
    if (answer?.status === 201) return { address: contact.peer, token: (answer.value as { token: string }).token };
    // Somebody has removed it by now: there is nothing to replace.
    if (answer !== undefined && answer.status < 500) seat.replaces = 0;
    return undefined;
  }

  #hands(client: Client): Hands {
    return new Hands(client, this.#parts, this.#state);
  }
}
