// Quantities as operators read them: three digits, a unit, no jitter in width.

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] as const;

/** `1.5 GiB`: at most three digits before the unit. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : threeDigits(value)} ${BYTE_UNITS[unit]}`;
}

/** `12.3`, of requests in a second for instance. */
export function formatRate(value: number): string {
  return value === 0
    ? "0"
    : value < 0.1
      ? "<0.1"
      : value >= 999.5
        ? groupThousands(Math.round(value))
        : threeDigits(value);
}

export function formatMillis(millis: number): string {
  if (millis === 0) return "0 ms";
  if (millis < 0.01) return "<0.01 ms";
  return millis >= 999.5 ? `${threeDigits(millis / 1000)} s` : `${threeDigits(millis)} ms`;
}

export function formatCount(count: number): string {
  return groupThousands(count);
}

export function counted(count: number, one: string, several: string = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : several}`;
}

const TIME_UNITS = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1000, "s"],
] as const;

/** The two largest units: `3 d 4 h`; whole seconds. */
export function formatDuration(millis: number): string {
  const parts: string[] = [];
  let rest = Math.max(0, millis);
  for (const [unitMillis, name] of TIME_UNITS) {
    const count = Math.floor(rest / unitMillis);
    if (count > 0) parts.push(`${count} ${name}`);
    else if (parts.length > 0) break;
    rest -= count * unitMillis;
    if (parts.length === 2) break;
  }
  return parts.length === 0 ? "0 s" : parts.join(" ");
}

/** `now`, `12 s ago`, `3 h ago`: one unit, for what grows old while one looks. */
export function formatAge(millis: number): string {
  if (millis < 1000) return "now";
  const [unitMillis, name] = TIME_UNITS.find(([each]) => millis >= each)!;
  return `${Math.floor(millis / unitMillis)} ${name} ago`;
}

/** `2026-11-21 14:03:22`, in the time zone of whoever looks. */
export function formatInstant(
  instant: string,
  zoneOffsetMinutes: number = new Date(instant).getTimezoneOffset(),
): string {
  const millis = Date.parse(instant);
  if (Number.isNaN(millis)) return instant;
  return new Date(millis - zoneOffsetMinutes * 60_000).toISOString().slice(0, 19).replace("T", " ");
}

/** Of what is known to the day only: that day, which is one of UTC. */
export function formatDay(instant: string): string {
  return instant.slice(0, 10);
}

/** `+01:00`, or `UTC`: where the clock stands at that instant, in the time zone of whoever looks. */
export function formatZone(instant: string, zoneOffsetMinutes: number = new Date(instant).getTimezoneOffset()): string {
  if (Number.isNaN(zoneOffsetMinutes)) return "";
  if (zoneOffsetMinutes === 0) return "UTC";
  const minutes = Math.abs(zoneOffsetMinutes);
  const twoDigits = (value: number): string => String(value).padStart(2, "0");
  return `${zoneOffsetMinutes < 0 ? "+" : "-"}${twoDigits(Math.floor(minutes / 60))}:${twoDigits(minutes % 60)}`;
}

function threeDigits(value: number): string {
  const digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  const text = value.toFixed(digits);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function groupThousands(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}
