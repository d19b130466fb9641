// IP addresses as 16 bytes, IPv4 ones mapped into IPv6 (::ffff:a.b.c.d), so that one comparison serves both.

export interface AddressRange {
  readonly address: Uint8Array;
  /** Leading bits of the 128 that must agree. */
  readonly bits: number;
}

const DECIMAL = /^\d{1,3}$/;
const HEXADECIMAL = /^[0-9a-fA-F]{1,4}$/;

/** Undefined where the text is no address. A zone (`%eth0`) and brackets are dropped. */
export function parseAddress(text: string): Uint8Array | undefined {
  let bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  const zone = bare.indexOf("%");
  if (zone !== -1) bare = bare.slice(0, zone);
  if (!bare.includes(":")) return parseIPv4(bare);
  return parseIPv6(bare);
}

/** An address, or `address/bits`. */
export function parseRange(text: string): AddressRange | undefined {
  const slash = text.indexOf("/");
  const address = parseAddress(slash === -1 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  if (slash === -1) return { address, bits: 128 };
  const digits = text.slice(slash + 1);
  const isIPv4 = !text.includes(":");
  const bits = DECIMAL.test(digits) ? Number(digits) + (isIPv4 ? 96 : 0) : 129;
  return bits <= 128 ? { address, bits } : undefined;
}

export function inRange(address: Uint8Array, range: AddressRange): boolean {
  const whole = range.bits >> 3;
  for (let at = 0; at < whole; at++) {
    if (address[at] !== range.address[at]) return false;
  }
  const rest = range.bits & 7;
  if (rest === 0) return true;
  const shift = 8 - rest;
  return address[whole]! >> shift === range.address[whole]! >> shift;
}

function parseIPv4(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const out = new Uint8Array(16);
  out[10] = 0xff;
  out[11] = 0xff;
  for (let at = 0; at < 4; at++) {
    const part = parts[at]!;
    if (!DECIMAL.test(part) || Number(part) > 255) return undefined;
    out[12 + at] = Number(part);
  }
  return out;
}

function parseIPv6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0]!);
  const tail = halves.length === 2 ? groupsOf(halves[1]!) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  const out = new Uint8Array(16);
  for (let at = 0; at < 8; at++) {
    out[at * 2] = groups[at]! >> 8;
    out[at * 2 + 1] = groups[at]! & 0xff;
  }
  return out;
}

/** The 16-bit groups of one side of "::"; the last may be written as an IPv4 address. */
function groupsOf(text: string): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at]!;
    if (at === parts.length - 1 && part.includes(".")) {
      const mapped = parseIPv4(part);
      if (mapped === undefined) return undefined;
      groups.push(mapped[12]! * 256 + mapped[13]!, mapped[14]! * 256 + mapped[15]!);
    } else if (HEXADECIMAL.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}
