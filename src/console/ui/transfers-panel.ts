import { html, type View } from "../html.ts";
import { formatBytes } from "../model/format.ts";
import { isRunning, progressOf, shownTransfers, summaryOf, type Transfer } from "../model/transfers.ts";
import { cancel, cancelAll, dismiss, retry, transfers } from "../state/transfers.ts";
import { mark, type Tone } from "./bits.ts";

/** Uploads, on every page, for as long as there is something to tell of them. */
export function TransfersPanel(): View {
  const all = transfers.value;
  const running = all.some(isRunning);
  const summary = html`<p role="status" class="summary">${all.length === 0 ? "" : summaryOf(all)}</p>`;
  // The live region is there before it speaks, or nobody would hear it.
  if (all.length === 0) return html`<section class="transfers" aria-label="Uploads">${summary}</section>`;
  const { share, text } = progressOf(all);
  const shown = shownTransfers(all);
  return html`<section class="transfers transfers-some" aria-label="Uploads">
    <div class="transfers-head">
      ${summary}
      <label class="overall">
        <span class="quiet">${text}</span><progress value=${share} max="1" aria-label="All uploads"></progress>
      </label>
      ${
        running
          ? html`<button type="button" class="small" onClick=${cancelAll}>Cancel all</button>`
          : html`<button type="button" class="small" onClick=${dismiss}>Close</button>`
      }
    </div>
    <ul>${shown.map((transfer) => transferRow(transfer))}</ul>
    ${shown.length < all.length && html`<p class="quiet">and ${all.length - shown.length} more</p>`}
  </section>`;
}

const TONES = {
  waiting: "quiet",
  sending: "quiet",
  exists: "warning",
  done: "good",
  failed: "bad",
  cancelled: "quiet",
} as const;
const WORDS = {
  waiting: "waits",
  sending: "sending",
  exists: "an object of this name is there already",
  done: "uploaded",
  failed: "failed",
  cancelled: "cancelled",
} as const;

function transferRow(transfer: Transfer): View {
  const { id, bucket, key, sizeBytes, sentBytes, state, message } = transfer;
  const tone: Tone = TONES[state];
  const name = `${bucket}/${key}`;
  const button = (text: string, act: () => void): View =>
    html`<button type="button" class="small" onClick=${act}>${text}<span class="hidden"> ${name}</span></button>`;
  return html`<li key=${id}>
    <span class="name">${name}</span>
    <span class="quiet">${formatBytes(sizeBytes)}</span>
    ${
      state === "sending"
        ? html`<progress value=${sentBytes} max=${Math.max(1, sizeBytes)} aria-label=${`Upload of ${name}`}></progress>`
        : mark(tone, WORDS[state])
    }
    <span class="row-buttons">
      ${isRunning(transfer) && button("Cancel", () => cancel(id))}
      ${state === "exists" && [button("Replace", () => retry(id, true)), button("Keep", () => cancel(id))]}
      ${state === "failed" && button("Try again", () => retry(id, false))}
    </span>
    ${message && html`<span class="message">${message}</span>`}
  </li>`;
}
