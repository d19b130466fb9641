import { text, utf8 } from "../../../std/bytes.ts";
import { AshlarError, hasCode } from "../../../std/errors.ts";
import type { Row, RowAddress, Store } from "../../../store/index.ts";
import { type Client, History, type SimRun } from "../../kernel/index.ts";
import { checkStrictSerializability } from "../invariants/strict-serializability.ts";
import type { ClusterKnobs } from "../knobs.ts";
import type { Seat } from "../seat.ts";

/** No service has rows there. */
const LISTS_TABLE = 250;
const PATIENCE_MILLIS = 6_000;
const STEPS_MAX = 4;

type Step = readonly ["append", string, number] | readonly ["r", string, readonly number[] | null];

export interface TransactorsParts {
  readonly run: SimRun<ClusterKnobs>;
  readonly counts: Record<string, number>;
  readonly pick: (client: Client) => Seat | undefined;
}

/** Programs that read and append to lists in the Store, several in one commit. */
export class Transactors {
  readonly #parts: TransactorsParts;
  readonly #history: History;
  #processes = 0;
  #elements = 0;

  constructor(parts: TransactorsParts) {
    this.#parts = parts;
    this.#history = new History(() => parts.run.nowMillis);
  }

  begin(): void {
    const { run } = this.#parts;
    for (let left = run.knobs.transactors; left > 0; left--) run.client((client) => this.#work(client));
  }

  /** Reads all lists. False where the server did not answer. */
  async readAll(client: Client, seat: Seat): Promise<boolean> {
    const { lists } = this.#parts.run.knobs;
    const steps = Array.from({ length: lists }, (_, at): Step => ["r", listName(at), null]);
    return (await this.#transact(client, seat, this.#processes++, steps)) === "ok";
  }

  /** False where it could not be told in time. */
  check(): boolean {
    return checkStrictSerializability(this.#history);
  }

  async #work(client: Client): Promise<void> {
    const { run, pick, counts } = this.#parts;
    let process = this.#processes++;
    for (;;) {
      await client.sleep(run.knobs.thinkMillis * 2 * client.prng.unit());
      if (!run.isFaulty) return;
      const seat = pick(client);
      if (seat === undefined) continue;
      counts["transactions"]!++;
      const steps = Array.from({ length: 1 + client.prng.below(STEPS_MAX) }, () => this.#drawStep(client));
      // After an unknown outcome the process is gone, as histories have it.
      if ((await this.#transact(client, seat, process, steps)) === "unknown") process = this.#processes++;
    }
  }

  #drawStep({ prng }: Client): Step {
    const name = listName(prng.below(this.#parts.run.knobs.lists));
    return prng.chance(0.5) ? ["r", name, null] : ["append", name, ++this.#elements];
  }

  async #transact(
    client: Client,
    seat: Seat,
    process: number,
    steps: readonly Step[],
  ): Promise<"ok" | "fail" | "unknown"> {
    const operation = this.#history.invoke(process, "txn", steps);
    const outcome = await this.#outcome(client, seat, steps);
    const what = typeof outcome === "string" ? outcome : "committed";
    client.trace("txn", `${JSON.stringify(steps)} at ${seat.name}: ${what}`);
    if (typeof outcome !== "string") operation.ok(outcome);
    else if (outcome === "fail") operation.fail();
    else operation.unknown();
    return typeof outcome === "string" ? outcome : "ok";
  }

  async #outcome(client: Client, seat: Seat, steps: readonly Step[]): Promise<readonly Step[] | "fail" | "unknown"> {
    const store = seat.server?.store;
    if (store === undefined) return "fail";
    try {
      const done = await client.within(PATIENCE_MILLIS, transact(store, steps));
      return done ?? "unknown";
    } catch (error) {
      if (!(error instanceof AshlarError)) throw error;
      return hasCode(error, "OUTCOME_UNKNOWN") || hasCode(error, "STOPPED") ? "unknown" : "fail";
    }
  }
}

/** The steps with what they read; "fail" where others changed a list meanwhile. */
async function transact(store: Store, steps: readonly Step[]): Promise<readonly Step[] | "fail"> {
  const names = [...new Set(steps.map(([, name]) => name))];
  const addresses = names.map(addressOf);
  const rows = await store.getMany(addresses);
  const lists = new Map(names.map((name, at) => [name, elementsOf(rows[at])]));
  const done = steps.map((step): Step => {
    const [kind, name, element] = step;
    const list = lists.get(name)!;
    if (kind === "r") return ["r", name, [...list]];
    list.push(element);
    return step;
  });
  const appended = names.filter((name) => steps.some(([kind, list]) => kind === "append" && list === name));
  const { committed } = await store.commit({
    checks: addresses.map((address, at) => {
      const row = rows[at];
      return row === undefined ? { ...address, absent: true as const } : { ...address, revision: row.revision };
    }),
    puts: appended.map((name) => ({ ...addressOf(name), value: utf8(JSON.stringify(lists.get(name))) })),
  });
  return committed ? done : "fail";
}

function listName(at: number): string {
  return `list-${at + 1}`;
}

function addressOf(name: string): RowAddress {
  return { table: LISTS_TABLE, key: utf8(name) };
}

function elementsOf(row: Row | undefined): number[] {
  return row === undefined ? [] : (JSON.parse(text(row.value)) as number[]);
}
