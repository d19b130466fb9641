// Ids that a server or a cluster makes. Run it with `node --conditions=ashlar-source examples/ids-from-a-server.ts`.
import { connect } from "ashlar";
import { startServer } from "ashlar/server";

await using server = await startServer({ memory: true });
await using ash = await connect(server.api, { credentials: server });
const { ids } = ash;

// A tag counts: from 1 on, or from where one says.
await ids.tags.create("orders", { first: 1000n });
console.log(await ids.next("orders"), await ids.nextMany("orders", 3));

// Whoever asks at the same time shares a request: ten thousand callers, each with a number of its own.
const numbers = await Promise.all(Array.from({ length: 10_000 }, () => ids.next("orders")));
console.log(new Set(numbers).size, numbers.at(-1));

// A generator makes ids of the time. Each known layout is one; this is one's own, with its own epoch.
const ours = await ids.generators.define("ours", { layout: "twitter", epochMillis: Date.UTC(2026, 0, 1) });
const id = await ids.make(ours.name);
const [reading] = (await ids.explain(id)).filter(({ kind }) => kind === ours.name);
console.log(reading!.plausibility, reading!.fields.map(({ name, bits }) => `${name} ${bits}`).join(", "));
