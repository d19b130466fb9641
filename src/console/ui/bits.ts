// The small things of which pages are made.

import type { ApiFailure } from "../api/client.ts";
import type { Health, Severity } from "../api/shapes.ts";
import { type Content, h, html, type View } from "../html.ts";
import { formatAge, formatDay, formatInstant, formatZone } from "../model/format.ts";
import { type Route, routeHref } from "../model/route.ts";
import { useState } from "../vendor/preact-hooks.js";

export type Tone = "good" | "warning" | "bad" | "quiet";

const TONE_PATHS: Readonly<Record<Tone, string>> = {
  good: "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13zM4.8 8.2l2.3 2.3l4.2-4.8",
  warning: "M8 1.8L15 14.2H1zM8 6v4M8 11.7v.8",
  bad: "M5.2 1.5h5.6l3.7 3.7v5.6l-3.7 3.7H5.2l-3.7-3.7V5.2zM5.5 5.5l5 5M10.5 5.5l-5 5",
  quiet: "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13zM5 8h6",
};

/** A state by its shape and its word; the colour only helps. */
export function mark(tone: Tone, word: string): View {
  return html`<span class=${`mark mark-${tone}`}>
    <svg viewBox="0 0 16 16" aria-hidden="true"><path d=${TONE_PATHS[tone]} /></svg>${word}
  </span>`;
}

export const HEALTH_TONES: Readonly<Record<Health, Tone>> = { healthy: "good", degraded: "warning", unhealthy: "bad" };
export const SEVERITY_TONES: Readonly<Record<Severity, Tone>> = { info: "quiet", warning: "warning", error: "bad" };

export function link(route: Route, content: Content): View {
  return html`<a href=${routeHref(route)}>${content}</a>`;
}

/** In the reader's own time zone; the exact instant is in the title. */
export function time(instant: string): View {
  return html`<time datetime=${instant} title=${instant}>${formatInstant(instant)} <span class="quiet">${formatZone(instant)}</span></time>`;
}

/** Of what the server knows to the day only. */
export function day(instant: string): View {
  const shown = formatDay(instant);
  return html`<time datetime=${shown} title="To the day, in UTC">${shown}</time>`;
}

export function age(millis: number): string {
  return formatAge(millis);
}

/** What failed, and what to do about it. */
export function failureBox(failure: ApiFailure | undefined, again?: () => void): View {
  if (failure === undefined) return null;
  const { message, advice, code, requestId } = failure;
  return html`<div class="failure" role="alert">
    <p>${mark("bad", "")}<strong>${message}</strong> ${advice}</p>
    <p class="quiet">${code}${requestId === "" ? "" : ` · request ${requestId}`}</p>
    ${again && html`<button type="button" onClick=${again}>Try again</button>`}
  </div>`;
}

export interface CopyProps {
  readonly text: string;
  /** What is copied, for those who do not see it: `Copy secret`. */
  readonly what: string;
}

/** Copies, and says that it did. */
export function Copy({ text, what }: CopyProps): View {
  const [said, say] = useState("");
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(
      () => say("Copied"),
      () => say("Not copied: the browser refused"),
    );
  };
  return html`<span class="copy">
    <button type="button" class="small" onClick=${copy}>Copy<span class="hidden"> ${what}</span></button>
    <span role="status" class="quiet">${said}</span>
  </span>`;
}

/** A value that is to be taken along. */
export function copyable(text: string, what: string): View {
  return html`<span class="copyable"><code>${text}</code>${h(Copy, { text, what })}</span>`;
}

export interface Fact {
  readonly name: string;
  readonly value: Content;
}

export function factList(facts: readonly Fact[]): View {
  return html`<dl class="facts">
    ${facts.map(({ name, value }) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
  </dl>`;
}
