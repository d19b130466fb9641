// Numbers of a sequence that others draw from too, by `nextval`, as they do: each call gives one number, whatever the sequence
// is incremented by. (Those who take a whole increment for one call have the rest of it; nobody but us has the number itself.)
//
// PostgreSQL logs a sequence 32 numbers ahead, and only who comes upon the end of those waits until that is on disk. Another
// one, who is given a number behind it at that moment and writes nothing, would be answered before, and a crash give his
// number again. So each statement writes to the log itself: its commit waits for all that was logged before.

import { hasCode } from "../../std/errors.ts";
import type { PostgresClient, SqlRow } from "./client.ts";
import { checkDurability } from "./durability.ts";
import { postgresFailure } from "./errors.ts";

export interface DrawnNumbers {
  /** Ascending. */
  readonly numbers: readonly bigint[];
  /** Whatever is drawn later, over whichever connection, is greater. */
  readonly isOrdered: boolean;
}

const SEQUENCE = "from pg_sequence join pg_class on pg_class.oid = seqrelid where seqrelid = $1::text::regclass";
/** Nothing is drawn from a sequence that is not fit. */
const DRAW = `with fit as materialized (
    select seqcache ${SEQUENCE} and not seqcycle and seqincrement > 0 and relpersistence = 'p'
  ), drawn as materialized (
    select nextval($1::text::regclass) as number from fit, generate_series(1, $2::int)
  ), logged as materialized (
    select pg_logical_emit_message(true, 'ashlar', '')
  ) select number::text, seqcache = 1 from drawn, fit, logged`;
const WHY_UNFIT = `select case when seqcycle then 'begins again behind its end (CYCLE)'
  when seqincrement < 0 then 'counts down' when relpersistence <> 'p' then 'does not outlast a crash (UNLOGGED)' end ${SEQUENCE}`;
const NEXT = `select coalesce(pg_sequence_last_value(seqrelid) + seqincrement, seqstart)::text ${SEQUENCE}`;

/** Of SQLSTATE: undefined table, invalid schema name, invalid name. */
const MISSING: readonly unknown[] = ["42P01", "3F000", "42602"];
const SEQUENCE_LIMIT_EXCEEDED = "2200H";

export class PostgresSequence {
  readonly #client: Pick<PostgresClient, "read">;
  readonly #name: string;
  #isServerChecked = false;

  /** The name as SQL has it, with a schema or without. */
  constructor(client: Pick<PostgresClient, "read">, name: string) {
    this.#client = client;
    this.#name = name;
  }

  /**
   * Rejects with SEQUENCE_MISSING, SEQUENCE_UNFIT, OUT_OF_RANGE, UNSAFE, and with the client's errors: what was drawn then is
   * nobody's. So a statement whose answer is lost may be sent again.
   */
  async draw(count: number): Promise<DrawnNumbers> {
    if (!this.#isServerChecked) await checkDurability(this.#client);
    this.#isServerChecked = true;
    const rows = await this.#read("draw", DRAW, [count]);
    if (rows.length !== count) await this.#refuse();
    return { numbers: rows.map(([number]) => BigInt(String(number))), isOrdered: rows[0]![1] === true };
  }

  /** Behind the last number that was drawn; others may draw it first. Rejects as `draw`. */
  async next(): Promise<bigint> {
    const [[number] = []] = await this.#read("next", NEXT);
    if (number === undefined) await this.#refuse();
    return BigInt(String(number));
  }

  async #refuse(): Promise<never> {
    const [[why] = ["is none, but something else"]] = await this.#read("why", WHY_UNFIT);
    const what = `The sequence ${this.#name} ${String(why ?? "has just changed")}.`;
    throw postgresFailure("SEQUENCE_UNFIT", { what, data: { sequence: this.#name } });
  }

  async #read(name: string, text: string, values: readonly unknown[] = []): Promise<readonly SqlRow[]> {
    try {
      return await this.#client.read({ name: `sequence-${name}`, text, values: [this.#name, ...values] });
    } catch (error) {
      if (!hasCode(error, "ANSWER_INVALID")) throw error;
      const { state } = error.data;
      const details = { data: { sequence: this.#name }, cause: error };
      if (state === SEQUENCE_LIMIT_EXCEEDED) {
        const what = `The sequence ${this.#name} has not so many numbers left.`;
        throw postgresFailure("OUT_OF_RANGE", { what, ...details });
      }
      if (!MISSING.includes(state)) throw error;
      throw postgresFailure("SEQUENCE_MISSING", { what: `There is no sequence ${this.#name}.`, ...details });
    }
  }
}
