import type { Case } from "./case.ts";
import { holds, same, sameBytes } from "./expect.ts";
import { type Ear, KNOCK, numbered, numberOf, type TransportNeed, type TransportSubject } from "./transport-subject.ts";

const FRAMES = 500;
/** More than a queue takes, by frames or by bytes. */
const FLOOD_FRAMES = 5000;
const FLOOD_FRAME_BYTES = 16 * 1024;

export const TRANSPORT_CASES: readonly Case<TransportSubject, TransportNeed>[] = [
  {
    name: "frames come whole, in order and once, and tell who sent them",
    async run(subject) {
      const [one, two, three] = [await subject.start(1), await subject.start(2), await subject.start(3)];
      await connected(subject, one, 1, two, 2);
      await connected(subject, three, 3, two, 2);
      for (let number = 1; number <= FRAMES; number++) {
        send(one, 2, numbered(number, 4 + (number % 300)));
        send(three, 2, numbered(number, 4 + (number % 7)));
        if (number % 50 === 0) await subject.pass(1);
      }
      await subject.until(
        () => two.numbers(1).at(-1) === FRAMES && two.numbers(3).at(-1) === FRAMES,
        "all frames come",
      );
      for (const from of [1, 3]) same(two.numbers(from).slice(-FRAMES), upTo(FRAMES), `frames of node ${from}`);
      for (const { from, frame } of two.heard) {
        const number = numberOf(frame);
        if (number > 0) sameBytes(frame, numbered(number, 4 + (number % (from === 1 ? 300 : 7))), "a frame");
      }
      same(
        [one.heard.some(({ from }) => from === 3), three.heard.some(({ from }) => from === 1)],
        [false, false],
        "only who is meant",
      );
    },
  },
  {
    name: "both ways at once, and from within a frame's receipt",
    async run(subject) {
      const [one, two] = [await subject.start(1), await subject.start(2)];
      await connected(subject, one, 1, two, 2);
      await connected(subject, two, 2, one, 1);
      two.onFrame = (from, frame) => void two.transport.send(from, frame);
      for (let number = 1; number <= 50; number++) send(one, 2, numbered(number));
      await subject.until(() => one.numbers(2).at(-1) === 50, "all echoes come");
      same(one.numbers(2).slice(-50), upTo(50), "in order");
    },
  },
  {
    name: "a frame may be empty, or as long as a group's longest",
    async run(subject) {
      const [one, two] = [await subject.start(1), await subject.start(2)];
      await connected(subject, one, 1, two, 2);
      const long = numbered(7, subject.frameBytesMax);
      send(one, 2, new Uint8Array(0));
      send(one, 2, long);
      send(one, 2, numbered(8));
      await subject.until(() => two.frames.length >= 3, "three frames come");
      same(two.frames[0]?.length, 0, "the empty one");
      sameBytes(two.frames[1], long, "the long one");
      sameBytes(two.frames[2], numbered(8), "the one behind it");
    },
  },
  {
    name: "what was received stays as it is: its memory is not used again",
    async run(subject) {
      const [one, two] = [await subject.start(1), await subject.start(2)];
      await connected(subject, one, 1, two, 2);
      for (let round = 0; round < 20; round++) {
        for (let at = 1; at <= 25; at++) send(one, 2, numbered(round * 25 + at, 1000 + at));
        await subject.until(() => two.numbers(1).at(-1) === (round + 1) * 25, "the round's frames come");
      }
      for (const { frame } of two.heard) {
        const number = numberOf(frame);
        if (number > 0) sameBytes(frame, numbered(number, 1000 + (((number - 1) % 25) + 1)), `frame ${number}`);
      }
    },
  },
  {
    name: "nothing is sent to a node that nobody knows",
    async run(subject) {
      const one = await subject.start(1);
      same(one.transport.send(77, numbered(1)), false, "it is said so");
    },
  },
  {
    name: "what is sent to a node that does not run is refused, reported, or lost; never kept for later lives in disorder",
    async run(subject) {
      const one = await subject.start(1);
      for (let number = 1; number <= 100; number++) one.transport.send(2, numbered(number));
      await subject.pass(50);
      const two = await subject.start(2);
      await connected(subject, one, 1, two, 2);
      send(one, 2, numbered(1000));
      await subject.until(() => two.numbers(1).at(-1) === 1000, "a frame comes once it runs");
      holds(isGrowing(two.numbers(1).filter((number) => number > 0)), "in order, each once");
    },
  },
  {
    name: "a node that ends and comes back hears again, and nothing twice",
    async run(subject) {
      const one = await subject.start(1);
      let last = 0;
      for (let life = 0; life < 3; life++) {
        const two = await subject.start(2);
        await connected(subject, one, 1, two, 2);
        for (let at = 0; at < 20; at++) send(one, 2, numbered(++last));
        await subject.until(() => two.numbers(1).at(-1) === last, "its frames come");
        holds(isGrowing(two.numbers(1).filter((number) => number > 0)), "in order, each once");
        await subject.stop(2);
        const { length } = two.heard;
        for (let at = 0; at < 20; at++) one.transport.send(2, numbered(++last));
        await subject.pass(50);
        same(two.heard.length, length, "who has ended hears nothing");
      }
    },
  },
  {
    name: "sending never fails: what is too much is refused, and what is taken comes in order",
    async run(subject) {
      const [one, two] = [await subject.start(1), await subject.start(2)];
      await connected(subject, one, 1, two, 2);
      const taken: number[] = [];
      for (let number = 1; number <= FLOOD_FRAMES; number++) {
        const frame = new Uint8Array(FLOOD_FRAME_BYTES);
        new DataView(frame.buffer).setUint32(0, number);
        if (one.transport.send(2, frame)) taken.push(number);
        if (number % 2500 === 0) await subject.pass(1);
      }
      holds(taken.length > 0, "some are taken");
      await subject.until(() => two.numbers(1).at(-1) === taken.at(-1), "the last that was taken comes");
      same(
        two.numbers(1).filter((number) => number > 0),
        taken,
        "what was taken comes",
      );
      await connected(subject, one, 1, two, 2);
    },
  },
  {
    name: "a cut loses frames and nothing else: what comes is in order, and after it frames pass again",
    needs: ["cut", "heal"],
    async run(subject) {
      const [one, two, three] = [await subject.start(1), await subject.start(2), await subject.start(3)];
      await connected(subject, one, 1, two, 2);
      await connected(subject, one, 1, three, 3);
      let number = 0;
      for (let round = 0; round < 3; round++) {
        subject.cut(1, 2);
        for (let at = 0; at < 30; at++) {
          one.transport.send(2, numbered(++number));
          send(one, 3, numbered(number));
          await subject.pass(2);
        }
        subject.heal();
        await connected(subject, one, 1, two, 2);
        send(one, 2, numbered(++number));
        send(one, 3, numbered(number));
        await subject.until(() => two.numbers(1).at(-1) === number, "a frame comes again");
      }
      holds(isGrowing(two.numbers(1).filter((one) => one > 0)), "in order, each once");
      await subject.until(() => three.numbers(1).at(-1) === number, "others hear all the while");
      same(
        three.numbers(1).filter((one) => one > 0),
        upTo(number),
        "and all of it",
      );
    },
  },
  {
    name: "after its end a transport takes nothing and hears nothing, and may end twice",
    async run(subject) {
      const [one, two] = [await subject.start(1), await subject.start(2)];
      await connected(subject, two, 2, one, 1);
      const { transport } = one;
      await subject.stop(1);
      await transport[Symbol.asyncDispose]();
      const { length } = one.heard;
      same(transport.send(2, numbered(1)), false, "it takes nothing");
      two.transport.send(1, numbered(1));
      await subject.pass(50);
      same(one.heard.length, length, "it hears nothing");
    },
  },
];

/** Knocks until it is heard: connections take their time. */
async function connected(subject: TransportSubject, from: Ear, fromId: number, to: Ear, toId: number): Promise<void> {
  const { length } = to.numbers(fromId);
  await subject.until(() => {
    from.transport.send(toId, KNOCK);
    return to.numbers(fromId).length > length;
  }, `node ${toId} hears of node ${fromId}`);
}

function send({ transport }: Ear, to: number, frame: Uint8Array): void {
  holds(transport.send(to, frame), "a node that is connected and not busy takes a frame");
}

function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => at + 1);
}

function isGrowing(numbers: readonly number[]): boolean {
  return numbers.every((number, at) => at === 0 || number > numbers[at - 1]!);
}
