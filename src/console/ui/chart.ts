import type { Sample } from "../api/shapes.ts";
import { html, type View } from "../html.ts";
import { lineOf, roundTop, type Segment } from "../model/chart.ts";
import { formatBytes } from "../model/format.ts";

export interface Series {
  readonly name: string;
  readonly pick: (sample: Sample) => number;
}

export interface Sparkline {
  readonly title: string;
  readonly samples: readonly Sample[];
  /** The first is drawn whole, a second one dashed. */
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  /** Of bytes, whose round numbers are powers of two. */
  readonly binary?: boolean;
}

const BOX = { width: 240, height: 36 } as const;

/** The last 15 minutes as lines; in words for those who do not see them. */
export function sparkline({ title, samples, series, format, binary = false }: Sparkline): View {
  const highest = Math.max(0, ...series.flatMap(({ pick }) => samples.map(pick)));
  const top = roundTop(highest, binary);
  const lines = series.map(({ pick }) => lineOf(samples, pick, BOX, top));
  const words = lines.map((line, at) =>
    line === undefined
      ? ""
      : `${series[at]!.name} from ${format(line.lowest)} to ${format(line.highest)}, now ${format(line.last)}`,
  );
  const label =
    samples.length < 2 ? `${title}: not enough samples yet` : `${title}, last 15 minutes: ${words.join("; ")}`;
  return html`<div class="sparkline">
    <svg viewBox=${`0 -1 ${BOX.width} ${BOX.height + 2}`} preserveAspectRatio="none" role="img" aria-label=${label}>
      <path class="grid" d=${`M0 0H${BOX.width}M0 ${BOX.height}H${BOX.width}`} />
      ${lines.map((line, at) => line && html`<path class=${`line line-${at}`} d=${line.path} />`)}
    </svg>
    <span class="scale" aria-hidden="true">${format(top)}</span>
  </div>`;
}

/** The disk from left to right; the legend beneath says all of it in words and numbers. */
export function capacityBar(segments: readonly Segment[]): View {
  const percent = (share: number): string => `${(share * 100).toFixed(2)}%`;
  return html`<div class="capacity">
    <svg width="100%" height="20" aria-hidden="true">
      <defs>
        <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect class="hatch" width="2" height="6" />
        </pattern>
      </defs>
      ${segments.map(
        ({ kind, start, share }) =>
          html`<rect key=${kind} class=${`segment segment-${kind}`} x=${percent(start)} width=${percent(share)} height="20" />`,
      )}
    </svg>
    <dl>
      ${segments.map(
        ({ kind, name, meaning, bytes, share }) => html`<div key=${kind}>
          <dt>
            <svg viewBox="0 0 12 12" aria-hidden="true"><rect class=${`segment segment-${kind}`} width="12" height="12" /></svg>
            ${name}
          </dt>
          <dd>
            <strong>${formatBytes(bytes)}</strong> <span class="quiet">${percentText(share)}</span>
            <span class="quiet meaning">${meaning}</span>
          </dd>
        </div>`,
      )}
    </dl>
  </div>`;
}

function percentText(share: number): string {
  const percent = share * 100;
  return percent > 0 && percent < 0.1 ? "<0.1 %" : `${percent.toFixed(percent < 10 ? 1 : 0)} %`;
}
