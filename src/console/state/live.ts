// What the node does, kept up to date by one stream while somebody is signed in. Pages read the signals; nothing else asks the
// server again and again.

import { ApiFailure } from "../api/client.ts";
import type { NodeEvent, Sample, Status } from "../api/shapes.ts";
import { watch } from "../api/watch.ts";
import { addSample } from "../model/chart.ts";
import { addEvent } from "../model/events.ts";
import { effect, type Signal, signal } from "../vendor/signals.js";
import { client, resumeSession, session } from "./session.ts";

/** `refused`: the server does not grant the stream, so pages are as old as their loading. */
export type Connection = "connecting" | "live" | "lost" | "refused";

export const connection: Signal<Connection> = signal<Connection>("connecting");
export const samples: Signal<readonly Sample[]> = signal<readonly Sample[]>([]);
export const liveEvents: Signal<readonly NodeEvent[]> = signal<readonly NodeEvent[]>([]);
export const status: Signal<Status | undefined> = signal<Status | undefined>(undefined);
export const statusFailure: Signal<ApiFailure | undefined> = signal<ApiFailure | undefined>(undefined);
/** By this machine's clock: when the newest data came. */
export const freshMillis: Signal<number> = signal(0);
/** Goes on with every second, for ages. */
export const nowMillis: Signal<number> = signal(Date.now());

const RETRY_MILLIS = 15_000;
/** Two messages that come at once ask for the status once. */
const STATUS_DELAY_MILLIS = 200;
let isStatusAsked = false;

export function startLive(): void {
  setInterval(() => {
    nowMillis.value = Date.now();
  }, 1000);
  let name: string | undefined;
  let end: (() => void) | undefined;
  effect(() => {
    const next = session.value?.name;
    if (next === name) return;
    name = next;
    end?.();
    end = next === undefined ? undefined : connect();
  });
}

/** Asks for the status soon. */
export function refreshStatus(): void {
  if (isStatusAsked) return;
  isStatusAsked = true;
  setTimeout(() => {
    isStatusAsked = false;
    void loadStatus();
  }, STATUS_DELAY_MILLIS);
}

async function loadStatus(): Promise<void> {
  if (!session.peek()) return;
  try {
    status.value = await client.call("getStatus", {});
    statusFailure.value = undefined;
    freshMillis.value = nowMillis.value = Date.now();
  } catch (error) {
    statusFailure.value = error instanceof ApiFailure ? error : undefined;
  }
}

function connect(): () => void {
  forget();
  void loadStatus();
  void loadSamples();
  let retry: ReturnType<typeof setTimeout> | undefined;
  let stop = (): void => {};
  const open = (): void => {
    stop = watch({
      onOpen: () => {
        connection.value = "live";
        refreshStatus();
      },
      onSample: (sample) => {
        samples.value = addSample(samples.peek(), sample);
        if (document.visibilityState === "visible") refreshStatus();
      },
      onEvent: (event) => {
        liveEvents.value = addEvent(liveEvents.peek(), event);
        refreshStatus();
      },
      onLost: () => void loadSamples(),
      onBreak: (refused) => {
        connection.value = refused ? "refused" : "lost";
        // The browser does not try again where it was refused. It may be the session that has ended: asking for it tells.
        if (!refused) return;
        void resumeSession().catch(() => {});
        retry = setTimeout(open, RETRY_MILLIS);
      },
    });
  };
  open();
  return () => {
    clearTimeout(retry);
    stop();
    forget();
  };
}

async function loadSamples(): Promise<void> {
  try {
    const { items } = await client.call("listSamples", {});
    let all: readonly Sample[] = [];
    for (const sample of [...items, ...samples.peek()]) all = addSample(all, sample);
    samples.value = all;
  } catch {
    // The status tells what is wrong.
  }
}

/** Nothing of one user is shown to the next. */
function forget(): void {
  connection.value = "connecting";
  samples.value = [];
  liveEvents.value = [];
  status.value = undefined;
  statusFailure.value = undefined;
}
