import { hasCode } from "../std/errors.ts";
import { type Commit, type Row, STORE_LIMITS, type Store, TABLES } from "../store/index.ts";
import { type CertainCommit, commitCertainly } from "./certain-commit.ts";
import { blobFailure } from "./errors.ts";
import { identityOf, type VolumeIdentity } from "./format.ts";
import { decodeLedger, emptyLedger, encodeLedger, type Ledger } from "./ledger.ts";
import {
  COUNTER_ADDRESS,
  decodeCounter,
  decodeVolumeRow,
  encodeCounter,
  encodeVolumeRow,
  ledgerAddress,
  ledgerOwner,
  type VolumeRow,
  volumeAddress,
  volumeOfKey,
} from "./volume-row.ts";

/** One volume as this node knows it. Only the registry writes `row` and `revision`. */
export interface Volume {
  readonly id: number;
  row: VolumeRow;
  revision: number;
  identity: VolumeIdentity;
  readonly ledger: Ledger;
  ledgerChanged: boolean;
  /** Bytes of slots whose marks say garbage and that are still in the file. */
  garbageBytes: number;
  /** Its marks of earlier processes, and of other nodes that were responsible, are in `garbageBytes`. */
  garbageCounted: boolean;
  /**
   * When `garbageBytes` began at 0, another object each time. This process' marks from that sequence on were counted when
   * they were set; those before it count like others'.
   */
  garbageSince: { readonly sequence: number };
  /** Somebody makes or mends a file of it: the collector leaves the volume's needles alone. */
  held: boolean;
  /** It is held only until its row is known again. */
  isLeft: boolean;
  /** Its row is being changed, or the outcome of a change is unknown: until it is known nothing of it is removed. */
  frozen: boolean;
  /**
   * The file is missing or shorter than the row says: it is served as far as it verifies, and otherwise left as it is.
   */
  unsound: boolean;
  /** Ends when the row is not being changed. */
  turn: Promise<void>;
}

/** Told after the row of a volume has changed, by whomever. Undefined stands for no row. */
export type OnVolumeChange = (volume: Volume, before: VolumeRow | undefined, now: VolumeRow | undefined) => void;

const WATCH_AGAIN_MILLIS = 500;

/**
 * All volumes: rows of the `volume` table, and this node's rows of the `scrub` table, kept in memory. A row changes only
 * by a commit that checks it. Where other nodes change rows too, `follow` brings what they do.
 */
export class Registry {
  readonly #certain: CertainCommit;
  readonly #store: Store;
  readonly #node: string;
  readonly #volumes = new Map<number, Volume>();
  readonly #abort = new AbortController();
  onChange: OnVolumeChange = () => {};

  constructor(certain: CertainCommit, node: string) {
    this.#certain = certain;
    this.#store = certain.store;
    this.#node = node;
  }

  get(id: number): Volume | undefined {
    return this.#volumes.get(id);
  }

  all(): Volume[] {
    return [...this.#volumes.values()];
  }

  /** Whether this node has a copy, as far as the row says. */
  holds({ row }: Volume): boolean {
    return row.members.includes(this.#node);
  }

  /** Whether this node is the one that does what a volume needs: its collector, its compaction. */
  owns({ row }: Volume): boolean {
    return row.writer === this.#node;
  }

  async load(): Promise<void> {
    for await (const row of this.#rows(TABLES.volume)) this.#take(volumeOfKey(row.key), row);
    const ledgers = new Map<number, Row>();
    for await (const row of this.#rows(TABLES.scrub)) {
      const owner = ledgerOwner(row.suffix);
      const id = volumeOfKey(row.key);
      if (owner === this.#node || (owner === "" && !ledgers.has(id))) ledgers.set(id, row);
    }
    for (const [id, { value }] of ledgers) {
      const volume = this.#volumes.get(id);
      if (volume !== undefined && this.holds(volume)) Object.assign(volume.ledger, decodeLedger(value));
    }
  }

  /** Takes in what other nodes change, until `close`; reads all rows again where it has missed something. */
  async follow(): Promise<void> {
    const { signal } = this.#abort;
    const { sleeper } = this.#certain;
    while (!signal.aborted) {
      try {
        // From before the rows: what changes while they are read comes twice.
        const { position } = await this.#store.scan(TABLES.volume, {}, { limit: 1, level: "stale" });
        const seen = new Set<number>();
        for await (const row of this.#rows(TABLES.volume)) seen.add(this.#take(volumeOfKey(row.key), row));
        for (const { id } of this.all()) if (!seen.has(id)) await this.refresh(id);
        for await (const { changes } of this.#store.watch(TABLES.volume, {}, { since: position, signal })) {
          for (const { key, value, revision } of changes) {
            this.#take(volumeOfKey(key), value === undefined ? undefined : { value, revision }, revision);
          }
        }
      } catch (error) {
        if (signal.aborted || hasCode(error, "STOPPED")) return;
        await sleeper.sleep(WATCH_AGAIN_MILLIS);
      }
    }
  }

  close(): void {
    this.#abort.abort();
  }

  /** The volume as a linearizable read finds it. */
  async refresh(id: number): Promise<Volume | undefined> {
    const known = this.#volumes.get(id);
    if (known !== undefined) return this.#inTurn(known, () => this.#read(id));
    return this.#read(id);
  }

  /** An id that no volume has had or will have. */
  async reserveId(): Promise<number> {
    for (;;) {
      const { row } = await this.#store.get(COUNTER_ADDRESS);
      const id = row === undefined ? 1 : decodeCounter(row.value);
      const check = row === undefined ? { absent: true as const } : { revision: row.revision };
      const value = encodeCounter(id + 1);
      const commit = { checks: [{ ...COUNTER_ADDRESS, ...check }], puts: [{ ...COUNTER_ADDRESS, value }] };
      try {
        if ((await this.#store.commit(commit)).committed) return id;
      } catch (error) {
        // Whoever has got it then, the next one is as good.
        if (!hasCode(error, "OUTCOME_UNKNOWN") || this.#certain.health.stopping) throw error;
      }
    }
  }

  async create(id: number, row: VolumeRow): Promise<Volume> {
    const address = volumeAddress(id);
    const value = encodeVolumeRow(row);
    const commit: Commit = { checks: [{ ...address, absent: true }], puts: [{ ...address, value }] };
    const revision = await commitCertainly(this.#certain, commit, { address, value });
    if (revision === undefined) throw blobFailure("VOLUME_LOST", { data: { volume: id } });
    this.#take(id, { value, revision });
    const volume = this.#volumes.get(id)!;
    volume.garbageCounted = true;
    return volume;
  }

  /**
   * Throws VOLUME_LOST where someone else changed the row, or the epoch is another one already. After any other failure
   * the volume is frozen: its state is not known.
   */
  change(volume: Volume, epoch: number, changes: Partial<VolumeRow>): Promise<void> {
    return this.#inTurn(volume, async () => {
      const lost = (): Error => blobFailure("VOLUME_LOST", { data: { volume: volume.id } });
      if (volume.row.epoch !== epoch) throw lost();
      const address = volumeAddress(volume.id);
      const value = encodeVolumeRow({ ...volume.row, ...changes });
      const commit = { checks: [{ ...address, revision: volume.revision }], puts: [{ ...address, value }] };
      volume.frozen = true;
      const revision = await commitCertainly(this.#certain, commit, { address, value });
      if (revision === undefined) {
        await this.#read(volume.id);
        throw lost();
      }
      this.#take(volume.id, { value, revision });
      thaw(volume);
    });
  }

  /** Who held the volume is done with it. Where it is not known what its row says, it stays held until that is known. */
  letGo(volume: Volume): void {
    volume.isLeft = volume.frozen;
    volume.held = volume.frozen;
  }

  /** Whether the volume is still in the hands of this epoch. */
  async isCurrent(volume: Volume, epoch: number): Promise<boolean> {
    return (await this.refresh(volume.id))?.row.epoch === epoch;
  }

  /** This node's copy is gone for ever: so are its rows, and those of the volume with the last copy. */
  async leave(volume: Volume, isGone: (member: string) => boolean = () => false): Promise<void> {
    const address = volumeAddress(volume.id);
    const ledger = ledgerAddress(volume.id, this.#node);
    for (;;) {
      if ((await this.refresh(volume.id)) === undefined || !this.holds(volume)) return;
      const members = volume.row.members.filter((member) => member !== this.#node && !isGone(member));
      const checks = [{ ...address, revision: volume.revision }];
      if (members.length === 0) {
        const deletes = [ledger, ledgerAddress(volume.id, undefined), address];
        const revision = await commitCertainly(this.#certain, { checks, deletes }, { address });
        if (revision === undefined) continue;
        this.#take(volume.id, undefined);
        return;
      }
      const value = encodeVolumeRow({ ...volume.row, members });
      const commit = { checks, puts: [{ ...address, value }], deletes: [ledger] };
      const revision = await commitCertainly(this.#certain, commit, { address, value });
      if (revision === undefined) continue;
      this.#take(volume.id, { value, revision });
      return;
    }
  }

  async saveLedger(volume: Volume): Promise<void> {
    volume.ledgerChanged = false;
    try {
      const address = ledgerAddress(volume.id, this.#node);
      await this.#store.commit({ puts: [{ ...address, value: encodeLedger(volume.ledger) }] });
    } catch (error) {
      volume.ledgerChanged = true;
      throw error;
    }
  }

  /** One look at or change of a volume's row at a time, in the order they were asked for. */
  #inTurn<T>(volume: Volume, run: () => Promise<T>): Promise<T> {
    const turn = volume.turn.then(run);
    volume.turn = turn.then(
      () => {},
      () => {},
    );
    return turn;
  }

  async #read(id: number): Promise<Volume | undefined> {
    const before = this.#volumes.get(id);
    const revisionBefore = before?.revision;
    const { row } = await this.#store.get(volumeAddress(id));
    if (row !== undefined) this.#take(id, row);
    // A row that was made since is newer than this answer.
    else if (this.#volumes.get(id) === before && before?.revision === revisionBefore) this.#take(id, undefined);
    return this.#volumes.get(id);
  }

  /** What is known already, or older, changes nothing. */
  #take(
    id: number,
    row: Pick<Row, "value" | "revision"> | undefined,
    revision: number = Number.POSITIVE_INFINITY,
  ): number {
    if (id === 0) return id;
    const volume = this.#volumes.get(id);
    if (row === undefined) {
      if (volume === undefined || volume.revision > revision) return id;
      this.#volumes.delete(id);
      this.onChange(volume, volume.row, undefined);
      return id;
    }
    const decoded = decodeVolumeRow(id, row.value);
    if (volume === undefined) {
      const added = newVolume(id, decoded, row.revision);
      this.#volumes.set(id, added);
      this.onChange(added, undefined, decoded);
      return id;
    }
    if (row.revision < volume.revision) return id;
    if (row.revision === volume.revision) return id;
    thaw(volume);
    const before = volume.row;
    volume.row = decoded;
    volume.revision = row.revision;
    if (decoded.generation !== before.generation) {
      volume.identity = identityOf(id, decoded.generation, decoded.tag);
    }
    this.onChange(volume, before, decoded);
    return id;
  }

  async *#rows(table: number): AsyncGenerator<Row, void, void> {
    let after: Row | undefined;
    for (;;) {
      const range = after === undefined ? {} : { after };
      const page = await this.#store.scan(table, range, { limit: STORE_LIMITS.scanRowsMax });
      yield* page.rows;
      after = page.rows.at(-1);
      if (!page.more || after === undefined) return;
    }
  }
}

/** What its row says is known again. */
function thaw(volume: Volume): void {
  volume.frozen = false;
  if (volume.isLeft) volume.held = false;
  volume.isLeft = false;
}

function newVolume(id: number, row: VolumeRow, revision: number): Volume {
  return {
    id,
    row,
    revision,
    identity: identityOf(id, row.generation, row.tag),
    ledger: emptyLedger(),
    ledgerChanged: false,
    garbageBytes: 0,
    garbageCounted: false,
    garbageSince: { sequence: 0 },
    held: false,
    isLeft: false,
    frozen: false,
    unsound: false,
    turn: Promise.resolve(),
  };
}
