import { keepUseful, type Placeable } from "./demand.ts";
import { type Operation, operationText, relaxed } from "./history.ts";
import { minimizeViolation } from "./minimize.ts";
import { type Model, transitionOf } from "./models/model.ts";
import { Search } from "./search.ts";
import { withSources } from "./sources.ts";
import {
  type CheckLimits,
  MEMORY_BYTES_DEFAULT,
  OK,
  unknownVerdict,
  type Verdict,
  type ViolationVerdict,
} from "./verdict.ts";
import { decideByZones } from "./zones.ts";

/** Steps that one object's search takes before the next one's turn. */
const SLICE_STEPS = 1_000;

/**
 * Whether the operations of each object have an order that keeps real time. A history is linearizable if each object's part of it is
 * (Herlihy and Wing), so objects are searched apart. They take turns: the one whose violation is easy to see need not wait for the one
 * that takes all memory.
 */
export function checkLinearizability(
  operations: readonly Operation[],
  model: Model,
  limits: CheckLimits = {},
): Verdict {
  const { isOver = () => false } = limits;
  const running: ObjectSearch[] = [];
  for (const [key, own] of objectsOf(operations, model)) {
    const decided = decideByZones(own, model.initial);
    if (decided === "ok") continue;
    if (decided !== undefined)
      return violationOf({ key, all: own, own: decided.sort(byStart), furthest: -1, steps: 0 }, model, limits);
    running.push({ key, own, search: searchOf(own, model) });
  }
  let isExhausted = false;
  while (running.length > 0) {
    for (let at = 0; at < running.length; ) {
      const { key, own, search } = running[at]!;
      const result = search.run(SLICE_STEPS);
      if (result === "violation")
        return violationOf({ key, all: own, own, furthest: search.furthest, steps: search.steps }, model, limits);
      if (result === "ok") running.splice(at, 1);
      else at++;
      if (running.length > 0 && isOver()) return unknownVerdict("time");
    }
    isExhausted = dropLargest(running, limits.memoryBytesMax ?? MEMORY_BYTES_DEFAULT) || isExhausted;
  }
  return isExhausted ? unknownVerdict("memory") : OK;
}

interface ObjectSearch {
  readonly key: string | undefined;
  readonly own: readonly ObjectOperation[];
  readonly search: Search;
}

/** One operation of one object, with what it does. */
interface ObjectOperation extends Placeable {
  readonly operation: Operation;
}

function objectsOf(operations: readonly Operation[], model: Model): Map<string | undefined, ObjectOperation[]> {
  const objects = new Map<string | undefined, ObjectOperation[]>();
  for (const operation of operations) {
    const placeable = objectOperation(operation, model);
    if (placeable === undefined) continue;
    const own = objects.get(operation.key);
    if (own === undefined) objects.set(operation.key, [placeable]);
    else own.push(placeable);
  }
  return objects;
}

function objectOperation(operation: Operation, model: Model): ObjectOperation | undefined {
  const transition = transitionOf(model, operation);
  return transition && { operation, transition, start: operation.start, end: operation.end };
}

function searchOf(own: readonly ObjectOperation[], model: Model): Search {
  return new Search(keepUseful(own), model.initial);
}

/** Where the searches together remember too much, the largest one ends without a verdict. */
function dropLargest(running: ObjectSearch[], memoryBytesMax: number): boolean {
  const total = running.reduce((sum, { search }) => sum + search.bytes, 0);
  if (total <= memoryBytesMax) return false;
  const largest = running.reduce((left, right) => (right.search.bytes > left.search.bytes ? right : left));
  running.splice(running.indexOf(largest), 1);
  return true;
}

interface Found {
  readonly key: string | undefined;
  /** All operations of the object, and those of them that are known to be a violation. */
  readonly all: readonly ObjectOperation[];
  readonly own: readonly ObjectOperation[];
  readonly furthest: number;
  /** What it took to find out. */
  readonly steps: number;
}

function violationOf({ key, all, own, furthest, steps }: Found, model: Model, limits: CheckLimits): ViolationVerdict {
  let stepsLeft = MINIMIZE_STEPS_MAX;
  const core = minimizeViolation(own, {
    furthest,
    relax: ({ operation, transition }) => (transition.isRead ? undefined : objectOperation(relaxed(operation), model)),
    isViolation(part) {
      const search = searchOf(part, model);
      const result = search.run(Math.min(stepsLeft, Math.max(TRY_STEPS_MAX, steps)));
      stepsLeft -= search.steps;
      return result === "violation";
    },
    isOver: () => stepsLeft <= 0 || limits.isOver?.() === true,
  });
  const least = withSources(core, all, model.initial);
  const operations = least.map(({ operation }) => operation);
  return { verdict: "violation", anomaly: "linearizability", explanation: explain(least, model), key, operations };
}

/** Of one try to make it smaller, where the search itself did not take more: what takes longer is not left out. */
const TRY_STEPS_MAX = 20_000;
/** Of all tries. */
const MINIMIZE_STEPS_MAX = 1_000_000;
/** More are not told one by one. */
const EXPLAINED_MAX = 40;

function explain(least: readonly ObjectOperation[], model: Model): string[] {
  const search = new Search(least, model.initial, { toExplain: true });
  const headline = `${noOrderOf(least.length)} keeps to real time and to what a ${model.name} does.`;
  if (least.length > EXPLAINED_MAX || search.run(TRY_STEPS_MAX) !== "violation") return [headline];
  const placed = search.longest.map((at) => least[at]!);
  const rest = least.filter((each) => !placed.includes(each));
  const state = placed.reduce((before, { transition }) => transition.step(before)!, model.initial);
  const told = (some: readonly ObjectOperation[]): string =>
    some.map(({ operation }) => operationText(operation)).join("; ");
  const order = placed.length === 0 ? [] : [`The longest order that can be found is: ${told(placed)}.`];
  const next = `${placed.length === 0 ? "At first" : "Then"} ${model.stateText(state)}, and what is left can not follow: ${told(rest)}.`;
  return [headline, ...order, next];
}

function noOrderOf(count: number): string {
  return count === 1 ? "No place of this operation" : `No order of these ${count} operations`;
}

function byStart(left: Placeable, right: Placeable): number {
  return left.start - right.start;
}
