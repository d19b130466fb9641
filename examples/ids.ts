// Ids without a server: Snowflake-like ones, UUIDs of version 7, and forms of them. It runs in a browser just as well.
// Run it with `node --conditions=ashlar-source examples/ids.ts`.
import { AshlarError, base62, explainId, IdGenerator, KeyedPermutation, LAYOUTS, UuidV7Generator } from "ashlar/ids";

// What is reserved for this worker number, where nobody forgets it; a later holder of the number begins there.
const reservedUntilMillis = Date.now() + 1000;
const ids = new IdGenerator({ layout: LAYOUTS.twitter, worker: 378, reservedUntilMillis });

const id = ids.next(Date.now());
const batch = ids.texts(Date.now(), 10_000);
console.log(`${new Set([...batch, String(id)]).size} ids, none twice`);
console.log(
  batch.every((text, at) => BigInt(text) > (at === 0 ? id : BigInt(batch[at - 1]!))) ? "in order" : "not in order",
);

// An id that goes beyond what is reserved is refused, not made.
try {
  ids.next(reservedUntilMillis);
} catch (error) {
  console.log(error instanceof AshlarError && error.code);
}

// What is this number?
const [reading] = explainId("1541815603606036480", { nowMillis: Date.UTC(2022, 6, 1) });
console.log(reading!.kind, reading!.time, reading!.fields.map(({ name, value }) => `${name} ${value}`).join(", "));

// A form that does not show how many there are, for a URL, and back.
const order = new KeyedPermutation({ key: new Uint8Array(16).fill(7), widthBits: 63 });
const shown = base62.encode(order.hide(1_541_815_603_606_036_480n), 63);
console.log(shown, order.reveal(base62.decode(shown, 63)));

const uuids = new UuidV7Generator({ random: (length) => crypto.getRandomValues(new Uint8Array(length)) });
const [first, second] = [uuids.next(Date.now()), uuids.next(Date.now())];
console.log(first.length, first < second);
