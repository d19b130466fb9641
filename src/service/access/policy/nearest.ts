/** The candidate that a typing error would most likely have been meant as, or undefined where none is near. */
export function nearest(written: string, candidates: readonly string[]): string | undefined {
  // Longer text is no typing error, and the distance costs the product of both lengths.
  if (written.length > 64) return undefined;
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(written.length / 4)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - written.length) >= bestDistance) continue;
    const distance = editDistance(written.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein: characters to insert, delete or replace. */
function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, at) => at);
  for (let above = 0; above < left.length; above++) {
    const next = [above + 1];
    for (let at = 0; at < right.length; at++) {
      const replaced = row[at]! + (left[above] === right[at] ? 0 : 1);
      next.push(Math.min(replaced, row[at + 1]! + 1, next[at]! + 1));
    }
    row = next;
  }
  return row.at(-1)!;
}
