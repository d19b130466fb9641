import { html, type View } from "../../html.ts";
import { player, revision } from "../../state/sim.ts";
import { seconds } from "./clock.ts";

const SHOWN_MAX = 40;

/** What has happened, the newest first; the newest notable line is also told to who does not see the page. */
export function JournalList(): View {
  revision.value;
  const { journal, invariants, flights } = player.value.simulation;
  const { sent, lost } = flights.counts;
  const verdict = invariants.violation === undefined ? "all held" : "one is violated";
  return html`<section aria-labelledby="sim-journal">
    <h2 id="sim-journal">What happened <span class="quiet">${sent} messages sent, ${lost} lost; invariants compared ${invariants.checks} times, ${verdict}</span></h2>
    <p class="hidden" role="status">${journal.newestNotable?.text}</p>
    <div class="journal" role="group" aria-label="The newest first" tabindex="0"><ol>
      ${journal.lines
        .slice(-SHOWN_MAX)
        .toReversed()
        .map(
          ({ sequence, millis, text, weight }) =>
            html`<li key=${sequence} class=${`line-${weight}`}><span class="number quiet">${seconds(millis)}</span> <span>${text}</span></li>`,
        )}
    </ol></div>
  </section>`;
}
