import type { BlobCounters, BlobEvent, DamageEvent } from "./events.ts";
import { UNIT_BYTES } from "./format.ts";
import { addDamage } from "./ledger.ts";
import type { Registry, Volume } from "./registry.ts";

export interface DamageContext {
  readonly registry: Registry;
  readonly counters: BlobCounters;
  /** Other nodes change rows too. */
  readonly isShared: boolean;
  readonly onEvent: (event: BlobEvent) => void;
}

/**
 * Damage is reported once, and remembered in the ledger of this node's copy until a complete verification does not find
 * it any more. Where others change rows, a copy that fails may be one that no longer counts: the Store is asked first.
 */
export function damageRecorder(context: DamageContext): (damage: Omit<DamageEvent, "kind">) => void {
  const { registry, isShared } = context;
  const asked = new Set<string>();
  return (damage) => {
    const volume = registry.get(damage.volume);
    if (volume === undefined) return;
    if (!isShared || volume.ledger.damage.needles.includes(nameOf(damage))) {
      if (remember(volume, damage)) report(context, damage);
      return;
    }
    const key = `${damage.volume}:${damage.generation}:${nameOf(damage)}`;
    if (asked.has(key)) return;
    asked.add(key);
    const isOurs = async (): Promise<boolean> => {
      const now = await registry.refresh(damage.volume);
      return now !== undefined && registry.holds(now) && now.row.generation === damage.generation;
    };
    isOurs()
      .then((counts) => {
        if (!counts) return;
        // The scrub that found it may have come to its end meanwhile, and have it in the ledger already.
        remember(volume, damage);
        report(context, damage);
      })
      .catch(() => {
        // It is found again when the Store can be reached.
      })
      .finally(() => asked.delete(key));
  };
}

/** True where it was not known yet. */
function remember(volume: Volume, damage: Omit<DamageEvent, "kind">): boolean {
  const { ledger } = volume;
  const name = nameOf(damage);
  if (ledger.scrubCursor > 0) addDamage(ledger.scrubDamage, name);
  const isNew = addDamage(ledger.damage, name);
  if (isNew) volume.ledgerChanged = true;
  return isNew;
}

function report({ counters, onEvent }: DamageContext, damage: Omit<DamageEvent, "kind">): void {
  counters.damagedNeedles++;
  onEvent({ kind: "damage", ...damage });
}

function nameOf({ needle, position }: Omit<DamageEvent, "kind">): number {
  return needle ?? Math.floor(position / UNIT_BYTES);
}
