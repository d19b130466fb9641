import { h, html, type View } from "../../html.ts";
import { DROP_PERCENT_MAX } from "../../model/sim/action.ts";
import { parseSeed } from "../../model/sim/run-text.ts";
import {
  act,
  isPlaying,
  linkToRun,
  player,
  randomSeed,
  restart,
  revision,
  SPEEDS,
  skipToEnd,
  speed,
  step,
  togglePlaying,
} from "../../state/sim.ts";
import { useId, useState } from "../../vendor/preact-hooks.js";

/** Virtual time, chance, and the link that repeats a run. */
export function Clock(): View {
  revision.value;
  const { simulation, isReplaying, replay } = player.value;
  const { millis, events } = simulation.now;
  return html`<section class="clock" aria-label="Time and chance">
    <div class="buttons">
      <button type="button" class="primary" onClick=${togglePlaying}>${isPlaying.value ? "Pause time" : "Let time run"}</button>
      <button type="button" onClick=${step}>Step</button>
      ${speedField()} ${dropField(simulation.dropPercent)}
    </div>
    <p class="moment"><span class="number">${seconds(millis)}</span> <span class="quiet">virtual seconds, ${events} events, seed ${simulation.seed}</span></p>
    ${
      isReplaying &&
      html`<p class="replay">Repeating a run that ends at ${seconds(replay!.end.millis)} s; whatever you do goes another way from here.
        <button type="button" class="small" onClick=${skipToEnd}>Skip to its end</button></p>`
    }
    ${h(SeedForm, {})}
  </section>`;
}

export function seconds(millis: number): string {
  return (millis / 1000).toFixed(2);
}

function speedField(): View {
  const at = SPEEDS.indexOf(speed.value);
  const onInput = (event: Event): void => {
    speed.value = SPEEDS[Number((event.target as HTMLInputElement).value)] ?? 1;
  };
  return html`<label class="slider"><span>Speed <span class="number">${speed.value}×</span></span>
    <input type="range" min="0" max=${SPEEDS.length - 1} step="1" value=${at} aria-valuetext=${`${speed.value} times`} onInput=${onInput} />
  </label>`;
}

function dropField(percent: number): View {
  const onChange = (event: Event): void =>
    act({ kind: "drop", percent: Number((event.target as HTMLInputElement).value) });
  return html`<label class="slider"><span>Lost messages <span class="number">${percent} %</span></span>
    <input type="range" min="0" max=${DROP_PERCENT_MAX} step="5" value=${percent} aria-valuetext=${`${percent} percent`} onChange=${onChange} />
  </label>`;
}

/** Begins anew, and tells how to come back. */
function SeedForm(): View {
  const id = useId();
  const [text, setText] = useState("");
  const [said, say] = useState("");
  const onSubmit = (event: Event): void => {
    event.preventDefault();
    const seed = text.trim() === "" ? randomSeed() : parseSeed(text.trim());
    say(seed === undefined ? "A seed is a whole number below 4,294,967,296." : `A new run with seed ${seed}.`);
    if (seed !== undefined) restart(seed);
  };
  const copy = (): void => {
    const link = linkToRun();
    if ("refusal" in link) {
      say(link.refusal);
      return;
    }
    navigator.clipboard.writeText(link.url).then(
      () => say("Copied: the link repeats this run up to this moment."),
      () => say("Not copied: the browser refused."),
    );
  };
  return html`<form class="seed" onSubmit=${onSubmit}>
    <label for=${id}>Seed</label>
    <input
      id=${id}
      inputmode="numeric"
      autocomplete="off"
      placeholder="any"
      value=${text}
      onInput=${(event: Event) => setText((event.target as HTMLInputElement).value)}
    />
    <button type="submit">New run</button>
    <button type="button" onClick=${copy}>Copy this run</button>
    <span role="status" class="quiet">${said}</span>
  </form>`;
}
