import type { Examiner } from "./examiner.ts";
import type { FileCache } from "./file-cache.ts";
import { identityOf } from "./format.ts";
import { emptyLedger } from "./ledger.ts";
import type { BlobOptions } from "./options.ts";
import type { Registry, Volume } from "./registry.ts";
import type { Departures } from "./replicas/departures.ts";
import type { VolumeService } from "./replicas/volume-service.ts";
import type { Retirement } from "./retirement.ts";
import type { VolumeRow } from "./volume-row.ts";

export interface RowEffectsContext {
  readonly node: string;
  readonly registry: Registry;
  readonly files: FileCache;
  readonly examiner: Examiner;
  readonly retirement: Retirement;
  readonly options: BlobOptions;
  /** Undefined for a node that is alone. */
  readonly service: VolumeService | undefined;
  readonly departures: Departures | undefined;
}

/** What the change of a volume's row means for this node's files, whichever node made it. */
export class RowEffects {
  readonly #context: RowEffectsContext;

  constructor(context: RowEffectsContext) {
    this.#context = context;
  }

  changed(volume: Volume, before: VolumeRow | undefined, now: VolumeRow | undefined): void {
    const { node, files, examiner, retirement, options, service, departures } = this.#context;
    const held = before?.members.includes(node) ?? false;
    const holds = now?.members.includes(node) ?? false;
    // No other node writes to it any more.
    if (now === undefined || now.state !== "open" || now.writer === node || !holds) void service?.letGo(volume.id);
    if (now !== undefined && before === undefined) departures?.rowCame(volume.id);
    if (now === undefined || before === undefined) return;
    if (holds && !held) {
      volume.unsound = false;
      // What was verified was another copy.
      Object.assign(volume.ledger, emptyLedger());
      volume.ledgerChanged = true;
      // An old generation may still be there from an earlier time.
      departures?.add(volume.id);
    }
    if (now.writer === node && before.writer !== node) {
      volume.garbageBytes = 0;
      volume.garbageCounted = false;
      volume.garbageSince = { sequence: examiner.sequence };
    }
    if (held && !holds) departures?.add(volume.id);
    if (!holds) return;
    if (now.state === "removed" && before.state !== "removed") {
      files.forget(volume.identity);
      retirement.retireVolume(volume, options.readersGraceMillis);
    } else if (now.generation !== before.generation) {
      files.forget(identityOf(volume.id, before.generation, before.tag));
      retirement.retireGeneration(volume.id, before.generation, before.durable, options.readersGraceMillis);
    }
  }
}
