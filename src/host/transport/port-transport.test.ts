import assert from "node:assert/strict";
import { test } from "node:test";
import { text, utf8 } from "../../std/bytes.ts";
import { memoryMachine } from "../memory-machine.ts";
import { RaftGroup } from "../raft-group.ts";
import { memoryStorage } from "../storage/memory-storage.ts";
import { type MessageEnd, portTransport } from "./port-transport.ts";

test("a group runs over message ports, as between the workers of a page", async () => {
  const { port1, port2 } = new MessageChannel();
  const start = async (id: number, port: MessageEnd) => {
    const seen: string[] = [];
    const group = await RaftGroup.start({
      ...{ id, peers: [1, 2], storage: memoryStorage({ commandBytesMax: 1024 }) },
      transport: portTransport(new Map([[3 - id, port]])),
      stateMachine: memoryMachine({ apply: (bytes) => seen.push(text(bytes)), snapshot: () => utf8(""), restore() {} }),
      limits: { tickMillis: 10 },
    });
    return { group, seen };
  };
  const [one, two] = [await start(1, port1), await start(2, port2)];
  await one.group.propose(utf8("from one"));
  await two.group.propose(utf8("from two"));
  await one.group.read();
  assert.deepEqual(one.seen, ["from one", "from two"]);
  await Promise.all([one.group.close(), two.group.close()]);
});
