import { type AshlarError, failures } from "./errors.ts";

// One table of options per component: command line flags, environment, configuration file and the manual's tables derive from it.

export type OptionEntry =
  | { readonly type: "text"; readonly default?: string; readonly text: string; readonly secret?: true }
  | { readonly type: "list"; readonly default: readonly string[]; readonly text: string }
  | { readonly type: "flag"; readonly default: boolean; readonly text: string }
  | { readonly type: "address"; readonly default?: string; readonly text: string }
  | {
      readonly type: "integer";
      readonly unit: "bytes" | "bytes/s" | "ms" | "s" | "percent" | "count";
      readonly default: number;
      readonly min: number;
      readonly max: number;
      readonly text: string;
    };

export type OptionTable = Readonly<Record<string, OptionEntry>>;

export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends { readonly type: "integer" }
    ? number
    : Table[Name] extends { readonly type: "flag" }
      ? boolean
      : Table[Name] extends { readonly type: "list" }
        ? readonly string[]
        : Table[Name] extends { readonly type: "text" | "address"; readonly default: string }
          ? string
          : string | undefined;
};

/** Raw values by option name, from one source. A list may come as several values. */
export type RawOptions = Readonly<Record<string, unknown>>;

export const OPTION_ERRORS = {
  OPTION_UNKNOWN: { what: "There is no such option.", advice: "The command's --help lists its options." },
  OPTION_INVALID: { what: "The option's value is not valid.", advice: "The command's --help tells what it takes." },
} as const;

export type OptionError = AshlarError<keyof typeof OPTION_ERRORS>;
const fail = failures(OPTION_ERRORS);

/** `dataDir` is the flag `--data-dir`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]+/g, (letters, at) => (at === 0 ? letters : `-${letters.toLowerCase()}`))}`;
}

/** `dataDir` is the environment variable `ASHLAR_DATA_DIR`. */
export function environmentOf(name: string): string {
  return `ASHLAR_${flagOf(name).slice(2).replaceAll("-", "_").toUpperCase()}`;
}

/** Takes each option from the first source that has it, else its default. Unknown names and bad values are errors. */
export function resolveOptions<const Table extends OptionTable>(
  table: Table,
  sources: readonly { readonly label: string; readonly values: RawOptions }[],
): OptionValues<Table> {
  for (const { label, values } of sources) {
    for (const name of Object.keys(values)) if (!(name in table)) throw unknownOption(label, name, Object.keys(table));
  }
  const resolved: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(table)) {
    const source = sources.find(({ values }) => values[name] !== undefined);
    resolved[name] = source === undefined ? entry.default : parseOption(name, entry, source.values[name], source.label);
  }
  return resolved as OptionValues<Table>;
}

export function parseOption(name: string, entry: OptionEntry, raw: unknown, label: string): unknown {
  const invalid = (expected: string): OptionError => {
    const shown = "secret" in entry ? "" : ` ${JSON.stringify(raw)}`;
    return fail("OPTION_INVALID", {
      what: `${label}: ${flagOf(name)}${shown} is not ${expected}.`,
      data: { option: name },
    });
  };
  switch (entry.type) {
    case "text":
    case "address":
      if (typeof raw !== "string") throw invalid("a text");
      if (entry.type === "address" && parseAddress(raw) === undefined) throw invalid("an address like 127.0.0.1:9000");
      return raw;
    case "list": {
      const items = typeof raw === "string" ? raw.split(",").map((item) => item.trim()) : raw;
      if (!Array.isArray(items) || !items.every((item) => typeof item === "string")) throw invalid("a list of texts");
      return items.filter((item) => item !== "");
    }
    case "flag":
      if (raw === true || raw === "true" || raw === "1" || raw === "") return true;
      if (raw === false || raw === "false" || raw === "0") return false;
      throw invalid("true or false");
    case "integer": {
      const value =
        typeof raw === "number" ? raw : typeof raw === "string" ? parseQuantity(raw, entry.unit) : undefined;
      const isInRange = value !== undefined && Number.isSafeInteger(value) && value >= entry.min && value <= entry.max;
      if (!isInRange) throw invalid(rangeText(entry));
      return value;
    }
  }
}

/** `HOST:PORT`, an IPv6 host in brackets. */
export function parseAddress(address: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]*)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) return undefined;
  return { host: match[1] ?? (match[2] || "0.0.0.0"), port };
}

const BYTE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};
const TIME_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `64MiB`, `10s`: a number with a unit of the option's dimension, or a plain number of its own unit. */
function parseQuantity(text: string, unit: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(text.trim());
  if (match === null) return undefined;
  const [, digits, suffix] = match;
  if (suffix === "") return Number(digits);
  const scale = unit.startsWith("bytes")
    ? BYTE_UNITS[suffix!]
    : unit === "ms" || unit === "s"
      ? TIME_UNITS[suffix!]
      : undefined;
  if (scale === undefined) return undefined;
  return Math.round((Number(digits) * scale) / (unit === "s" ? 1000 : 1));
}

/** In the largest unit that divides it, spelled as it can be given. */
export function quantityText(value: number, unit: string): string {
  if (unit.startsWith("bytes")) {
    const units = ["", ...Object.keys(BYTE_UNITS).slice(2)];
    let power = 0;
    let rest = value;
    while (rest >= 1024 && rest % 1024 === 0 && power < units.length - 1) {
      rest /= 1024;
      power++;
    }
    return `${rest}${units[power]}`;
  }
  if (unit !== "ms" && unit !== "s") return unit === "percent" ? `${value} %` : String(value);
  const millis = unit === "s" ? value * 1000 : value;
  const largestFirst = Object.entries(TIME_UNITS).reverse();
  const fitting = largestFirst.find(([, each]) => millis >= each && millis % each === 0);
  return fitting === undefined ? `${millis}${unit === "s" ? "s" : "ms"}` : `${millis / fitting[1]}${fitting[0]}`;
}

/** As in `a time from 1s to 7d`. */
function rangeText({ unit, min, max }: Extract<OptionEntry, { type: "integer" }>): string {
  const kind = unit.startsWith("bytes") ? "a size" : unit === "ms" || unit === "s" ? "a time" : "a whole number";
  return `${kind} from ${quantityText(min, unit)} to ${quantityText(max, unit)}`;
}

function unknownOption(label: string, name: string, known: readonly string[]): OptionError {
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? "" : ` Did you mean ${flagOf(nearest)}?`;
  return fail("OPTION_UNKNOWN", {
    what: `${label}: there is no option ${flagOf(name)}.${hint}`,
    data: { option: name, nearest },
  });
}

/** The name with the least edits (Levenshtein), if they are few. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.ceil(name.length / 3) + 1;
  for (const candidate of known) {
    const edits = editsBetween(name.toLowerCase(), candidate.toLowerCase());
    if (edits < least) {
      least = edits;
      best = candidate;
    }
  }
  return best;
}

function editsBetween(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, at) => at);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const replaced = row[j - 1]! + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[right.length]!;
}
