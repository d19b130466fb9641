/**
 * Who has acknowledged how far, as bars that show the order of the voters and not the distance between them:
 *
 *        idx
 * xx>     12    (id=1)        two voters are behind it
 * >        5    (id=2)        nobody is
 * ?        0    (id=3)        nothing was heard of it
 */
export function quorumChart(voters: readonly number[], heard: ReadonlyMap<number, number>): string {
  const width = voters.length;
  if (width === 0) return "<empty majority quorum>";
  const indexOf = (id: number): number => heard.get(id) ?? 0;
  const lines = voters.map((id) => {
    const behind = voters.filter((other) => indexOf(other) < indexOf(id)).length;
    const bar = heard.has(id) ? `${"x".repeat(behind)}>` : "?";
    return `${bar.padEnd(width + 1)} ${String(indexOf(id)).padStart(5)}    (id=${id.toString(16)})\n`;
  });
  return `${" ".repeat(width)}    idx\n${lines.join("")}`;
}
