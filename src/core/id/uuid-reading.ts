import { type IdField, type IdReading, judgeTime } from "./reading.ts";
import { GREGORIAN_OFFSET_MILLIS } from "./uuid-time.ts";

const MAX = (1n << 128n) - 1n;

/** What a UUID says of itself (RFC 9562 4 and 5). */
export function readUuid(id: bigint, nowMillis: number): IdReading {
  if (id === 0n || id === MAX) {
    return {
      kind: id === 0n ? "uuid nil" : "uuid max",
      id,
      fields: [],
      plausibility: "likely",
      why: "It is a special UUID.",
    };
  }
  const bits = (name: string, from: number, count: number): IdField => {
    return { name, bits: count, value: BigInt.asUintN(count, id >> BigInt(128 - from - count)) };
  };
  const version = Number(bits("version", 48, 4).value);
  if (bits("variant", 64, 2).value !== 0b10n || version === 0 || version > 8) {
    const why = "Its variant and version bits are not those of a UUID of today.";
    return { kind: "uuid", id, fields: [bits("value", 0, 128)], plausibility: "unlikely", why };
  }
  const head = { kind: `uuid v${version}`, id };
  if (version === 1 || version === 6) {
    const time =
      version === 6 ? [bits("", 0, 48), bits("", 52, 12)] : [bits("", 52, 12), bits("", 32, 16), bits("", 0, 32)];
    const units = join(time);
    const fields = [{ name: "time", bits: 60, value: units }, bits("clock sequence", 66, 14), bits("node", 80, 48)];
    return { ...head, fields, ...judgeTime(Number(units / 10_000n) - GREGORIAN_OFFSET_MILLIS, nowMillis, 0) };
  }
  if (version === 7) {
    const time = bits("time", 0, 48);
    const fields = [time, bits("counter or random, upper", 52, 12), bits("counter or random, lower", 66, 62)];
    return { ...head, fields, ...judgeTime(Number(time.value), nowMillis, 0) };
  }
  const name = CONTENTS[version]!;
  const fields = [bits(`${name}, upper`, 0, 48), bits(`${name}, middle`, 52, 12), bits(`${name}, lower`, 66, 62)];
  return { ...head, fields, plausibility: "likely", why: "Its variant and version bits are those of a UUID." };
}

/** What versions without a time are made of. */
const CONTENTS: Readonly<Record<number, string>> = { 2: "DCE", 3: "hash", 4: "random", 5: "hash", 8: "custom" };

function join(parts: readonly IdField[]): bigint {
  return parts.reduce((whole, { bits, value }) => (whole << BigInt(bits)) | value, 0n);
}
