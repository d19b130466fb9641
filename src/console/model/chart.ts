// Shapes of the overview's figures, without a pixel: the views scale them.

import type { Capacity, Sample } from "../api/shapes.ts";

export const WINDOW_MILLIS: number = 15 * 60_000;
const SAMPLES_MAX = 400;

/** The samples with one more; what is older than the window is let go. Samples that are known already are not added again. */
export function addSample(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  const last = samples.at(-1);
  if (last !== undefined && Date.parse(sample.at) <= Date.parse(last.at)) return samples;
  const oldest = Date.parse(sample.at) - WINDOW_MILLIS;
  return [...samples.filter(({ at }) => Date.parse(at) >= oldest), sample].slice(-SAMPLES_MAX);
}

export interface Line {
  /** An SVG path in a box of `width` and `height`, the newest sample at its right edge. */
  readonly path: string;
  readonly last: number;
  readonly lowest: number;
  readonly highest: number;
}

export interface Box {
  readonly width: number;
  readonly height: number;
}

/** A gap in time is a gap in the line: a node that was down has no rate. `top` is the value at the upper edge. */
export function lineOf(
  samples: readonly Sample[],
  pick: (sample: Sample) => number,
  box: Box,
  top: number,
): Line | undefined {
  const newest = samples.at(-1);
  if (newest === undefined) return undefined;
  const newestMillis = Date.parse(newest.at);
  const gapMillis = typicalGap(samples) * 3;
  const values = samples.map(pick);
  let path = "";
  let beforeMillis = Number.NEGATIVE_INFINITY;
  for (const [at, sample] of samples.entries()) {
    const millis = Date.parse(sample.at);
    const x = box.width * (1 - (newestMillis - millis) / WINDOW_MILLIS);
    const y = box.height * (1 - Math.min(1, values[at]! / Math.max(top, Number.MIN_VALUE)));
    path += `${millis - beforeMillis > gapMillis ? "M" : "L"}${round(x)} ${round(y)}`;
    beforeMillis = millis;
  }
  return { path, last: values.at(-1)!, lowest: Math.min(...values), highest: Math.max(...values) };
}

/** The value at the upper edge of a chart: 1, 2 or 5 with zeros, or a power of two, so that the scale does not move with every sample. */
export function roundTop(highest: number, binary: boolean = false): number {
  if (highest <= 0) return 1;
  if (binary) return 2 ** Math.max(0, Math.ceil(Math.log2(highest)));
  const step = 10 ** Math.floor(Math.log10(highest));
  return [1, 2, 5, 10].map((factor) => factor * step).find((top) => top >= highest) ?? highest;
}

export interface Segment {
  readonly name: string;
  /** What is in it, for those who ask. */
  readonly meaning: string;
  readonly kind: "volumes" | "other" | "free" | "reserve";
  readonly bytes: number;
  /** Of the disk, from 0 to 1. */
  readonly share: number;
  /** Where it begins, from 0 to 1. */
  readonly start: number;
}

/** The disk in four pieces, which add up to it: volumes, what else is used, what writes may take, what they leave alone. */
export function capacitySegments({ totalBytes, freeBytes, reserveBytes, volumeBytes }: Capacity): readonly Segment[] {
  const free = Math.min(Math.max(0, freeBytes), totalBytes);
  const used = totalBytes - free;
  const volumes = Math.min(volumeBytes, used);
  const reserve = Math.min(reserveBytes, free);
  const pieces = [
    { name: "Volumes", meaning: "Bytes of objects", kind: "volumes", bytes: volumes },
    {
      name: "Other",
      meaning: "Everything else on this disk: Ashlar's own log and index too",
      kind: "other",
      bytes: used - volumes,
    },
    { name: "Free", meaning: "What writes may still take", kind: "free", bytes: free - reserve },
    { name: "Reserved", meaning: "Free space that writes leave alone", kind: "reserve", bytes: reserve },
  ] as const;
  let start = 0;
  return pieces.map((piece) => {
    const share = totalBytes === 0 ? 0 : piece.bytes / totalBytes;
    const segment = { ...piece, share, start };
    start += share;
    return segment;
  });
}

function typicalGap(samples: readonly Sample[]): number {
  const gaps = samples.slice(1).map(({ at }, index) => Date.parse(at) - Date.parse(samples[index]!.at));
  return gaps.sort((left, right) => left - right)[gaps.length >> 1] ?? WINDOW_MILLIS;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
