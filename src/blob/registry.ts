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
  /** Compaction is at work: the collector leaves the volume's needles alone. */
  held: boolean;
  /** Its row is being changed, or the outcome of a change is unknown: until a restart nothing of it is removed then. */
  frozen: boolean;
  /**
   * The file is missing or shorter than the row says: it is served as far as it verifies, and otherwise left as it is.
   */
  unsound: boolean;
  /** Ends when the row is not being changed. */
  turn: Promise<void>;
}

/**
 * The volumes of this node: rows of the `volume` and `scrub` tables, kept in memory. A row changes only by a commit
 * that checks it.
 */
export class Registry {
  readonly #certain: CertainCommit;
  readonly #store: Store;
  readonly #node: string;
  readonly #volumes = new Map<number, Volume>();

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

  async load(): Promise<void> {
    for await (const row of this.#rows(TABLES.volume)) {
      const id = volumeOfKey(row.key);
      if (id === 0) continue;
      const decoded = decodeVolumeRow(id, row.value);
      if (decoded.members.includes(this.#node)) this.#add(id, decoded, row.revision);
    }
    for await (const row of this.#rows(TABLES.scrub)) {
      const volume = this.#volumes.get(volumeOfKey(row.key));
      if (volume !== undefined) Object.assign(volume.ledger, decodeLedger(row.value));
    }
  }

  /** The lowest id that no volume has had. */
  async nextId(): Promise<{ readonly id: number; readonly revision: number | undefined }> {
    const { row } = await this.#store.get(COUNTER_ADDRESS);
    return row === undefined
      ? { id: 1, revision: undefined }
      : { id: decodeCounter(row.value), revision: row.revision };
  }

  /** False where another node took the id meanwhile. */
  async create(id: number, counterRevision: number | undefined, row: VolumeRow): Promise<Volume | undefined> {
    const address = volumeAddress(id);
    const value = encodeVolumeRow(row);
    const counterCheck = counterRevision === undefined ? { absent: true as const } : { revision: counterRevision };
    const commit: Commit = {
      checks: [
        { ...COUNTER_ADDRESS, ...counterCheck },
        { ...address, absent: true },
      ],
      puts: [
        { ...COUNTER_ADDRESS, value: encodeCounter(id + 1) },
        { ...address, value },
      ],
    };
    const revision = await commitCertainly(this.#certain, commit, { address, value });
    return revision === undefined ? undefined : this.#add(id, row, revision);
  }

  /**
   * Throws VOLUME_LOST where someone else changed the row. After any failure the volume is frozen: its state is not
   * known.
   */
  change(volume: Volume, changes: Partial<VolumeRow>): Promise<void> {
    return this.#inTurn(volume, async () => {
      const row = { ...volume.row, ...changes };
      const address = volumeAddress(volume.id);
      const value = encodeVolumeRow(row);
      const commit = { checks: [{ ...address, revision: volume.revision }], puts: [{ ...address, value }] };
      volume.frozen = true;
      const revision = await commitCertainly(this.#certain, commit, { address, value });
      if (revision === undefined) throw blobFailure("VOLUME_LOST", { data: { volume: volume.id } });
      volume.row = row;
      volume.revision = revision;
      volume.identity = identityOf(volume.id, row.generation, row.tag);
      volume.frozen = false;
    });
  }

  /** Whether the row is still the one that this node wrote last. */
  isCurrent(volume: Volume): Promise<boolean> {
    return this.#inTurn(volume, async () => {
      const { row } = await this.#store.get(volumeAddress(volume.id));
      return row?.revision === volume.revision;
    });
  }

  /** The file is gone: so are its rows. */
  async forget(volume: Volume): Promise<void> {
    const address = volumeAddress(volume.id);
    const commit: Commit = {
      checks: [{ ...address, revision: volume.revision }],
      deletes: [ledgerAddress(volume.id), address],
    };
    if ((await commitCertainly(this.#certain, commit, { address })) === undefined) {
      throw blobFailure("VOLUME_LOST", { data: { volume: volume.id } });
    }
    this.#volumes.delete(volume.id);
  }

  async saveLedger(volume: Volume): Promise<void> {
    volume.ledgerChanged = false;
    try {
      await this.#store.commit({ puts: [{ ...ledgerAddress(volume.id), value: encodeLedger(volume.ledger) }] });
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

  #add(id: number, row: VolumeRow, revision: number): Volume {
    const volume: Volume = {
      id,
      row,
      revision,
      identity: identityOf(id, row.generation, row.tag),
      ledger: emptyLedger(),
      ledgerChanged: false,
      garbageBytes: 0,
      held: false,
      frozen: false,
      unsound: false,
      turn: Promise.resolve(),
    };
    this.#volumes.set(id, volume);
    return volume;
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
