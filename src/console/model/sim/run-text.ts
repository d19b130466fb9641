// A run as text, for the part of an address behind `#`. The seed and the actions say all that happened; the trace's hash tells whether
// the code that repeats the run still does the same as the code that it was made with.
//
//     v=1&seed=7&end=MILLIS.EVENTS&trace=HASH&acts=ACTION.MILLIS.EVENTS-ACTION.MILLIS.EVENTS-...
//
// An action comes after so many milliseconds of virtual time and so many events since the one before it, in base 36.

import { type Action, decodeAction, encodeAction } from "./action.ts";

/** Of virtual time, at a moment between two events. */
export interface Moment {
  readonly millis: number;
  readonly events: number;
}

export interface TimedAction extends Moment {
  readonly action: Action;
}

export interface Run {
  readonly seed: number;
  readonly actions: readonly TimedAction[];
  readonly end: Moment;
  readonly trace: string;
}

const VERSION = "1";
export const ACTIONS_MAX = 400;
export const RUN_MILLIS_MAX: number = 4 * 3_600_000;
const RUN_EVENTS_MAX = 20_000_000;
const TEXT_LENGTH_MAX = 16_384;
export const SEED_MAX = 0xffff_ffff;

export function encodeRun({ seed, actions, end, trace }: Run): string {
  let previous: Moment = { millis: 0, events: 0 };
  const acts = actions.map(({ action, millis, events }) => {
    const text = `${encodeAction(action)}.${base36(millis - previous.millis)}.${base36(events - previous.events)}`;
    previous = { millis, events };
    return text;
  });
  const tail = acts.length === 0 ? "" : `&acts=${acts.join("-")}`;
  return `v=${VERSION}&seed=${seed}&end=${base36(end.millis)}.${base36(end.events)}&trace=${trace}${tail}`;
}

/** The run of an address's hash, without its `#`; else one sentence on why it is none. */
export function decodeRun(text: string): Run | string {
  if (text.length > TEXT_LENGTH_MAX) return "The link is too long to be a run.";
  const fields = new URLSearchParams(text);
  if (fields.get("v") !== VERSION) return "The link is not a run of this version's.";
  const seed = parseSeed(fields.get("seed") ?? "");
  const end = momentOf((fields.get("end") ?? "").split("."), { millis: 0, events: 0 });
  const trace = fields.get("trace") ?? "";
  if (seed === undefined || end === undefined || !/^[0-9a-f]{16}$/.test(trace)) return "The link is damaged.";
  const acts = (fields.get("acts") ?? "").split("-").filter((each) => each !== "");
  if (acts.length > ACTIONS_MAX) return `The link has more than ${ACTIONS_MAX} actions.`;
  const actions: TimedAction[] = [];
  let previous: Moment = { millis: 0, events: 0 };
  for (const each of acts) {
    const [code = "", ...after] = each.split(".");
    const action = decodeAction(code);
    const moment = momentOf(after, previous);
    if (action === undefined || moment === undefined) return "The link is damaged.";
    if (moment.millis > end.millis || moment.events > end.events) return "The link is damaged.";
    actions.push({ action, ...moment });
    previous = moment;
  }
  return { seed, actions, end, trace };
}

export function parseSeed(text: string): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const seed = Number(text);
  return seed <= SEED_MAX ? seed : undefined;
}

function momentOf(parts: readonly string[], previous: Moment): Moment | undefined {
  const [millis, events] = parts;
  if (parts.length !== 2 || !/^[0-9a-z]{1,6}$/.test(millis!) || !/^[0-9a-z]{1,6}$/.test(events!)) return undefined;
  const moment = {
    millis: previous.millis + Number.parseInt(millis!, 36),
    events: previous.events + Number.parseInt(events!, 36),
  };
  return moment.millis <= RUN_MILLIS_MAX && moment.events <= RUN_EVENTS_MAX ? moment : undefined;
}

function base36(value: number): string {
  return value.toString(36);
}
