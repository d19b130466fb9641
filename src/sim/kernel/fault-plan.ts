import type { Prng } from "../../std/prng.ts";
import { Draw } from "./draw.ts";
import { simFailure } from "./errors.ts";
import { type Direction, FAULT_KINDS, type FaultEvent, type FaultKind, type Range } from "./faults.ts";

/** Other lengths or amounts than a kind's own. */
export interface FaultTuning {
  readonly millis?: Range;
  readonly amount?: Range;
  /** How often it is drawn beside the others; 1 by default. */
  readonly weight?: number;
}

export type FaultTunings = Readonly<Partial<Record<FaultKind, FaultTuning>>>;

export interface PlanOptions {
  readonly millis: number;
  /** How many nodes there may be. */
  readonly nodes: number;
  readonly kinds: readonly FaultKind[];
  readonly meanGapMillis: number;
  readonly tunings: FaultTunings;
}

const DIRECTIONS: readonly Direction[] = ["both", "both", "out", "in"];

/** The schedule of a run. A longer one begins with the same events. */
export function drawPlan(prng: Prng, options: PlanOptions): readonly FaultEvent[] {
  const events: FaultEvent[] = [];
  if (options.kinds.length === 0) return events;
  let atMillis = 0;
  for (;;) {
    // Exponential gaps: faults come in bunches and leave quiet times between them.
    atMillis += -Math.log(1 - prng.unit()) * options.meanGapMillis;
    const event = drawEvent(new Draw(prng.fork()), options, { id: events.length + 1, atMillis });
    if (atMillis >= options.millis) return events;
    events.push(event);
  }
}

function drawEvent(
  draw: Draw,
  { nodes, kinds, tunings }: PlanOptions,
  { id, atMillis }: { readonly id: number; readonly atMillis: number },
): FaultEvent {
  const kind = drawKind(draw, kinds, tunings);
  const entry = { ...FAULT_KINDS[kind], ...tunings[kind] };
  const node = draw.integer(1, nodes);
  const peer = nodes === 1 ? node : 1 + ((node - 1 + draw.integer(1, nodes - 1)) % nodes);
  const side = Array.from({ length: nodes }, (_, at) => at + 1).filter(() => draw.chance(0.5));
  const sign = kind === "clock-drift" || kind === "clock-jump" ? draw.pick([-1, 1]) : 1;
  return {
    id,
    atMillis: Math.round(atMillis * 1000) / 1000,
    kind,
    node,
    peer,
    side: side.length === 0 ? [node] : side,
    direction: draw.pick(DIRECTIONS),
    durationMillis: Math.round(draw.logarithmic(entry.millis)),
    amount: sign * draw.logarithmic(entry.amount),
    place: draw.prng.unit(),
  };
}

function drawKind(draw: Draw, kinds: readonly FaultKind[], tunings: FaultTunings): FaultKind {
  const weightOf = (kind: FaultKind): number => tunings[kind]?.weight ?? 1;
  let left = draw.prng.unit() * kinds.reduce((sum, kind) => sum + weightOf(kind), 0);
  for (const kind of kinds) {
    left -= weightOf(kind);
    if (left < 0) return kind;
  }
  return kinds.at(-1)!;
}

/** Which faults of a seed's schedule are played, as in `3,9:250,12`: the ninth for 250 ms only. */
export interface ChosenFault {
  readonly id: number;
  readonly durationMillis: number | undefined;
}

/** Throws FAULTS_INVALID. */
export function parseChosenFaults(text: string): readonly ChosenFault[] {
  if (text === "none" || text === "") return [];
  return text.split(",").map((part) => {
    const match = /^(\d+)(?::(\d+))?$/.exec(part.trim());
    if (match === null) throw simFailure("FAULTS_INVALID", { what: `"${part}" is no fault of a schedule.` });
    return { id: Number(match[1]), durationMillis: match[2] === undefined ? undefined : Number(match[2]) };
  });
}

/** Throws FAULTS_INVALID where the schedule has no such fault. */
export function choose(plan: readonly FaultEvent[], chosen: readonly ChosenFault[]): readonly FaultEvent[] {
  const events = chosen.map(({ id, durationMillis }) => {
    const event = plan[id - 1];
    if (event !== undefined) return { ...event, durationMillis: durationMillis ?? event.durationMillis };
    const what = `The seed's schedule has no fault ${id}: it has ${plan.length}.`;
    throw simFailure("FAULTS_INVALID", { what, data: { id, faults: plan.length } });
  });
  return events.sort((left, right) => left.id - right.id);
}

/** What `parseChosenFaults` reads. */
export function chosenText(plan: readonly FaultEvent[], events: readonly FaultEvent[]): string {
  if (events.length === 0) return "none";
  return events
    .map(({ id, durationMillis }) => (durationMillis === plan[id - 1]!.durationMillis ? id : `${id}:${durationMillis}`))
    .join(",");
}
