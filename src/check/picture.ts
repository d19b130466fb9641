import { answerText, type Operation, operationText, shortJson } from "./history.ts";
import type { ViolationVerdict } from "./verdict.ts";

// The picture of a violation: one HTML page that needs nothing else, no script and no network. Time runs to the right, one row a process;
// each event has a column of its own, so that what overlaps is seen however short it was.
//
//   process 0   |== write 1 ==|        |== read -> 1 ==|
//   process 1          |== write 2 ==|
//   process 2   |== write 3 ........................... >   outcome unknown

/** Of a larger counter-example only the first ones are drawn. */
export const DRAWN_OPERATIONS_MAX = 200;

const COLUMN_PIXELS = 90;
const ROW_PIXELS = 56;
const LEFT_PIXELS = 110;
const BAR_PIXELS = 22;
/** Of a label, on the wide side: what it says must not be cut off at the picture's edge. */
const LETTER_PIXELS = 8;

export function violationPage(violation: ViolationVerdict, title: string): string {
  const { anomaly, explanation, key, operations } = violation;
  const drawn = operations.slice(0, DRAWN_OPERATIONS_MAX);
  const of = key === undefined ? "" : ` of ${key}`;
  const more = operations.length - drawn.length;
  const rows = drawn.map((operation) => `<li value="${operation.line}">${escaped(operationText(operation))}</li>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(title)}: violation</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escaped(title)}</h1>
<p class="verdict">Violation${escaped(of)}: ${escaped(anomaly)}</p>
${explanation.map((sentence) => `<p>${escaped(sentence)}</p>`).join("\n")}
<div class="scroll">
${timeline(drawn)}
</div>
<h2>Operations by line of the history</h2>
<ol>
${rows.join("\n")}
</ol>
${more > 0 ? `<p>${more} more are not drawn.</p>` : ""}
</body>
</html>
`;
}

/** An SVG of the operations alone. */
export function timeline(operations: readonly Operation[]): string {
  const places = operations.flatMap(({ start, end }) => [start, end]).filter(Number.isFinite);
  const columns = new Map(
    [...new Set(places)].sort((left, right) => left - right).map((place, column) => [place, column]),
  );
  const processes = [...new Set(operations.map(({ process }) => process))].sort((left, right) => left - right);
  const height = processes.length * ROW_PIXELS + 10;
  const columnX = (place: number): number => LEFT_PIXELS + (columns.get(place) ?? columns.size) * COLUMN_PIXELS;
  const labelEnds = operations.map((each) => columnX(each.start) + labelOf(each).length * LETTER_PIXELS);
  const width = Math.ceil(Math.max(LEFT_PIXELS + (columns.size + 1) * COLUMN_PIXELS, ...labelEnds));
  const rows = processes.map((process, row) => {
    const y = row * ROW_PIXELS + ROW_PIXELS - 12;
    const label = `<text x="4" y="${y}">process ${process}</text>`;
    return `${label}<line x1="${LEFT_PIXELS}" y1="${y - 4}" x2="${width}" y2="${y - 4}"/>`;
  });
  const bars = operations.map((operation) => {
    const y = processes.indexOf(operation.process) * ROW_PIXELS + ROW_PIXELS - 16 - BAR_PIXELS / 2;
    const x = columnX(operation.start);
    return bar(operation, { x, y, width: columnX(operation.end) - x });
  });
  const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
  return `<svg role="img" aria-label="Timeline of ${operations.length} operations" ${size}>
${rows.join("\n")}
${bars.join("\n")}
</svg>`;
}

function bar(operation: Operation, place: { readonly x: number; readonly y: number; readonly width: number }): string {
  const { x, y, width } = place;
  const { outcome, startNanos, endNanos, line } = operation;
  const until = Number.isFinite(endNanos) ? `${endNanos} ns` : "an end that is unknown";
  const title = `${operationText(operation)} (line ${line}, ${startNanos} ns to ${until})`;
  const box = `<rect x="${x}" y="${y}" width="${width}" height="${BAR_PIXELS}" rx="3"/>`;
  const label = `<text x="${x + 5}" y="${y - 4}">${escaped(labelOf(operation))}</text>`;
  return `<g class="${outcome}"><title>${escaped(title)}</title>${box}${label}</g>`;
}

/** As the line of text says it, without what its row and its shape tell already. */
function labelOf(operation: Operation): string {
  const { function: name, key, input, outcome } = operation;
  if (name === "txn") return outcome === "ok" ? shortJson(operation.output) : `${shortJson(input)} ?`;
  const of = key === undefined ? "" : ` ${key}`;
  const given = input === null || input === undefined ? "" : ` ${shortJson(input)}`;
  if (outcome === "fail") return `${name}${of}${given} failed`;
  if (outcome === "unknown") return `${name}${of}${given} ?`;
  const answer = answerText(operation);
  return answer === "ok" ? `${name}${of}${given}` : `${name}${of}${given} → ${answer}`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Whatever a history holds is text. What XML forbids becomes U+FFFD. */
function escaped(text: string): string {
  const visible = Array.from(text.toWellFormed(), (letter) => (isControl(letter) ? "\uFFFD" : letter)).join("");
  return visible.replace(/[&<>"']/g, (letter) => ENTITIES[letter]!);
}

function isControl(letter: string): boolean {
  return letter < " " && letter !== "\n" && letter !== "\t";
}

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
.verdict { font-weight: 600; color: light-dark(#b00020, #ff8a80); }
h1, p, li { overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
svg text { font-size: 13px; fill: currentColor; font-variant-numeric: tabular-nums; }
svg line { stroke: currentColor; stroke-opacity: 0.2; }
svg rect { fill: #3b82f6; fill-opacity: 0.45; stroke: #3b82f6; }
svg .unknown rect { fill-opacity: 0.1; stroke-dasharray: 5 4; }
svg .fail rect { fill: #9ca3af; stroke: #9ca3af; }
`;
