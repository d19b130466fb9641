// The simulation that the page shows, and its clock: virtual time follows the browser's frames, as quick as the reader likes. It stands
// still while nobody sees it.

import type { Action } from "../model/sim/action.ts";
import type { Exercise } from "../model/sim/exercises.ts";
import { Player } from "../model/sim/player.ts";
import { decodeRun, type Run, SEED_MAX } from "../model/sim/run-text.ts";
import { type Signal, signal } from "../vendor/signals.js";

export const SPEEDS: readonly number[] = [0.1, 0.25, 0.5, 1, 2, 5, 10];

/** After a pause of the browser's, time goes on from where it was. */
const FRAME_MILLIS_MAX = 100;
/** What a slow machine can not do in a frame it does in later ones. */
const FRAME_EVENTS_MAX = 4_000;
/** Text changes no more often than one can read. */
const TEXT_MILLIS = 150;

export const player: Signal<Player> = signal<Player>(new Player(1));
/** Counts frames: what moves follows it. */
export const frame: Signal<number> = signal(0);
/** Counts changes of what stands in text. */
export const revision: Signal<number> = signal(0);
export const isPlaying: Signal<boolean> = signal(true);
export const speed: Signal<number> = signal(1);
export const selected: Signal<number> = signal(1);
export const exercise: Signal<Exercise | undefined> = signal<Exercise | undefined>(undefined);
/** Why the address's run can not be shown. */
export const linkProblem: Signal<string | undefined> = signal<string | undefined>(undefined);

/** A moment of virtual time between whole milliseconds. */
let virtualMillis = 0;
let textMillis = 0;

/** Runs until the returned function is called. The first time, it shows what the address says. */
export function startSim(): () => void {
  let previous: number | undefined;
  let request = requestAnimationFrame(onFrame);
  openAddress();
  window.addEventListener("hashchange", openAddress);
  function onFrame(now: number): void {
    request = requestAnimationFrame(onFrame);
    const passed = Math.min(FRAME_MILLIS_MAX, now - (previous ?? now));
    previous = now;
    if (isPlaying.peek()) pass(passed * speed.peek(), now);
  }
  return () => {
    cancelAnimationFrame(request);
    window.removeEventListener("hashchange", openAddress);
  };
}

export function act(action: Action): void {
  player.peek().act(action);
  changed();
}

export function step(): void {
  isPlaying.value = false;
  player.peek().step();
  changed();
}

export function togglePlaying(): void {
  isPlaying.value = !isPlaying.peek();
}

/** To the end of the run that is repeated, as far as one turn allows. */
export function skipToEnd(): void {
  const current = player.peek();
  const end = current.replay?.end;
  if (end === undefined) return;
  const go = (): void => {
    if (player.peek() !== current || !current.isReplaying) return;
    current.advance(end.millis, FRAME_EVENTS_MAX * 5);
    isPlaying.value &&= current.isReplaying;
    changed();
    if (current.simulation.violation === undefined) requestAnimationFrame(go);
  };
  go();
}

export function restart(from: number | Run): void {
  show(new Player(from));
  exercise.value = undefined;
}

export function randomSeed(): number {
  return Math.floor(Math.random() * (SEED_MAX + 1));
}

export function setScene(chosen: Exercise): void {
  const set = chosen.set();
  show(set);
  exercise.value = chosen;
  selected.value = set.simulation.leader?.id ?? 1;
}

/** A link that shows this very run to whoever opens it; else why there is none. */
export function linkToRun(): { readonly url: string } | { readonly refusal: string } {
  const link = player.peek().link();
  return "text" in link ? { url: `${location.origin}/app/sim#${link.text}` } : link;
}

function openAddress(): void {
  const text = location.hash.slice(1);
  // `#main` is where the link past the navigation leads.
  if (!text.includes("=")) return;
  const run = decodeRun(text);
  linkProblem.value = typeof run === "string" ? run : undefined;
  if (typeof run !== "string") restart(run);
}

function show(next: Player): void {
  player.value = next;
  isPlaying.value = true;
  changed();
}

function pass(millis: number, now: number): void {
  const current = player.peek();
  const { simulation } = current;
  if (simulation.violation !== undefined) return;
  const wasReplaying = current.isReplaying;
  virtualMillis += millis;
  const target = Math.floor(virtualMillis);
  current.advance(target, FRAME_EVENTS_MAX);
  // It stops where the repeated run ends.
  if (wasReplaying && !current.isReplaying) isPlaying.value = false;
  if (simulation.now.millis < target) virtualMillis = simulation.now.millis;
  frame.value++;
  if (now - textMillis < TEXT_MILLIS && isPlaying.peek()) return;
  textMillis = now;
  revision.value++;
}

function changed(): void {
  virtualMillis = player.peek().simulation.now.millis;
  frame.value++;
  revision.value++;
}
