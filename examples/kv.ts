// Keys and values over a server or a cluster. Run it with `node --conditions=ashlar-source examples/kv.ts`.
import { connect, text } from "ashlar";
import { startServer } from "ashlar/server";

await using server = await startServer({ memory: true });
await using ash = await connect(server.api, { credentials: server });
const { kv } = ash;

await using watch = kv.watch({ prefix: "config/" });
await watch.opened;

await kv.put("config/colour", "blue");
const row = await kv.get("config/colour");
for (const colour of ["green", "red"]) {
  const { committed } = await kv.compareAndSet("config/colour", row?.revision, colour);
  console.log(`${colour}: ${committed ? "written" : "somebody was quicker"}`);
}
{
  await using lease = await kv.lease(5000);
  await kv.put("config/online/me", "yes", { lease });
  for await (const { rows } of kv.scan({ prefix: "config/" })) console.log(rows.map(({ key }) => text(key)));
}
for await (const { changes } of watch) {
  for (const { key, value } of changes) console.log(text(key), value ? `is ${text(value)}` : "is gone");
  if (changes[0]?.value === undefined) break;
}
