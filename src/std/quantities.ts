// Quantities for people. What programs read stays a plain number.

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** `1.5 GiB`: three digits at most before the unit. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${trimmed(value.toFixed(digits))} ${BYTE_UNITS[unit]}`;
}

const TIME_UNITS = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1000, "s"],
] as const;

/** The two largest units: `3 d 4 h`, `12 s`. */
export function formatDuration(millis: number): string {
  const parts: string[] = [];
  let rest = millis;
  for (const [unitMillis, name] of TIME_UNITS) {
    const count = Math.floor(rest / unitMillis);
    if (count > 0) parts.push(`${count} ${name}`);
    else if (parts.length > 0) break;
    rest -= count * unitMillis;
    if (parts.length === 2) break;
  }
  return parts.length === 0 ? `${Math.round(millis)} ms` : parts.join(" ");
}

export function counted(count: number, one: string, several: string = `${one}s`): string {
  return `${count} ${count === 1 ? one : several}`;
}

function trimmed(digits: string): string {
  return digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;
}
