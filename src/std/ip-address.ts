// Internet addresses and CIDR blocks as text. An IPv4 address mapped into IPv6 (::ffff:192.0.2.1, as a dual-stack
// socket reports it) is the IPv4 address: a rule for 192.0.2.0/24 must not depend on how the server listens.

export interface IpAddress {
  /** One 32-bit word for IPv4, four for IPv6. */
  readonly words: readonly number[];
}

export interface IpBlock extends IpAddress {
  /** Length of the prefix, 0 to 32 or 128. */
  readonly bits: number;
}

/** Undefined where the text is no address. A zone ("%eth0") is ignored. */
export function parseIpAddress(text: string): IpAddress | undefined {
  if (text.length > 64) return undefined;
  const zone = text.indexOf("%");
  const plain = zone < 0 ? text : text.slice(0, zone);
  if (!plain.includes(":")) {
    const word = zone < 0 ? parseIpv4(plain) : undefined;
    return word === undefined ? undefined : { words: [word] };
  }
  const words = parseIpv6(plain);
  if (words === undefined) return undefined;
  return { words: isMapped(words) ? [words[3]!] : words };
}

/**
 * "192.0.2.0/24", "2001:db8::/32", or one address. Bits behind the prefix are ignored. Undefined where the text is
 * neither.
 */
export function parseIpBlock(text: string): IpBlock | undefined {
  const slash = text.indexOf("/");
  const address = parseIpAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined || text.includes("%")) return undefined;
  const bitsMax = address.words.length * 32;
  if (slash < 0) return { words: address.words, bits: bitsMax };
  const digits = text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(digits)) return undefined;
  const mapped = bitsMax === 32 && text.includes(":");
  const bits = Number(digits) - (mapped ? 96 : 0);
  return bits < 0 || bits > bitsMax ? undefined : { words: address.words, bits };
}

export function ipBlockContains(block: IpBlock, address: IpAddress): boolean {
  if (block.words.length !== address.words.length) return false;
  let bits = block.bits;
  for (let at = 0; bits > 0; at++, bits -= 32) {
    const mask = bits >= 32 ? 0xffffffff : (0xffffffff << (32 - bits)) >>> 0;
    if (((block.words[at]! ^ address.words[at]!) & mask) !== 0) return false;
  }
  return true;
}

/**
 * One name for all addresses that one household or host can choose from: the address itself for IPv4, its /64 for IPv6.
 * Text that is no address stands for itself.
 */
export function ipAddressGroup(text: string): string {
  const words = parseIpAddress(text)?.words;
  if (words === undefined) return text.slice(0, 64);
  if (words.length === 1) return String(words[0]);
  return `${words[0]!.toString(16)}:${words[1]!.toString(16)}/64`;
}

function parseIpv4(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  let word = 0;
  for (let at = 1; at <= 4; at++) {
    const digits = match[at]!;
    // A leading zero is read as octal by some and as decimal by others: refused.
    if (Number(digits) > 255 || (digits.length > 1 && digits.startsWith("0"))) return undefined;
    word = word * 256 + Number(digits);
  }
  return word;
}

function parseIpv6(text: string): number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1]!, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  return [0, 2, 4, 6].map((at) => groups[at]! * 0x10000 + groups[at + 1]!);
}

/** 16-bit groups of one side of "::"; the last two may be written as IPv4. */
function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [at, part] of parts.entries()) {
    if (last && at === parts.length - 1 && part.includes(".")) {
      const word = parseIpv4(part);
      if (word === undefined) return undefined;
      groups.push(Math.floor(word / 0x10000), word % 0x10000);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return groups;
}

function isMapped(words: readonly number[]): boolean {
  return words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
}
