import assert from "node:assert/strict";
import { describe, test } from "node:test";
import zlib from "node:zlib";
import { AssertionError } from "../assert.ts";
import { concatBytes, fromHex, utf8 } from "../bytes.ts";
import { Prng } from "../prng.ts";
import { crc32, crc32c, crc32FromBytes, crc32ToBytes, crc64FromBytes, crc64nvme, crc64ToBytes } from "./checksums.ts";
import { checksum32, checksum64 } from "./engines.ts";
import { KERNEL_BYTES_MAX, type Kernel, loadKernel } from "./kernel.ts";
import { CRC32_POLYNOMIAL, CRC32C_POLYNOMIAL, CRC64NVME_POLYNOMIAL, type Polynomial } from "./polynomials.ts";

// One shape for all three, so that every property is stated once.
const checksums = [
  { name: "crc32", polynomial: CRC32_POLYNOMIAL, of: widened(crc32) },
  { name: "crc32c", polynomial: CRC32C_POLYNOMIAL, of: widened(crc32c) },
  { name: "crc64nvme", polynomial: CRC64NVME_POLYNOMIAL, of: crc64nvme },
  {
    name: "crc32c without WebAssembly",
    polynomial: CRC32C_POLYNOMIAL,
    of: widened(checksum32(CRC32C_POLYNOMIAL, withoutRun(loadKernel<number>(CRC32C_POLYNOMIAL)))),
  },
  {
    name: "crc64nvme without WebAssembly",
    polynomial: CRC64NVME_POLYNOMIAL,
    of: (bytes: Uint8Array, previous = 0n) => nvmeByTables(bytes, previous),
  },
];
const nvmeByTables = checksum64(CRC64NVME_POLYNOMIAL, withoutRun(loadKernel<bigint>(CRC64NVME_POLYNOMIAL)));

test("the published check values come out for 123456789", () => {
  const digits = utf8("123456789");
  assert.equal(crc32(digits), 0xcbf43926);
  assert.equal(crc32c(digits), 0xe3069283);
  assert.equal(crc64nvme(digits), 0xae8b14860a799888n);
});

test("crc32c gives the examples of RFC 3720, B.4", () => {
  const counting = Uint8Array.from({ length: 32 }, (_, at) => at);
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(crc32c(counting), 0x46dd794e);
  assert.equal(crc32c(counting.toReversed()), 0x113fdb5c);
  const readCommand =
    "01c00000000000000000000000000000" + "14000000000004000000001400000018" + "28000000000000000200000000000000";
  assert.equal(crc32c(fromHex(readCommand)!), 0xd9963a56);
});

test("crc32 is zlib's", () => {
  const random = new Prng(1);
  for (let round = 0; round < 100; round++) {
    const bytes = random.bytes(random.below(3000));
    const previous = random.u32();
    assert.equal(crc32(bytes, previous), zlib.crc32(bytes, previous), `round ${round}`);
  }
  const long = random.bytes(3 * KERNEL_BYTES_MAX + 5);
  assert.equal(crc32(long), zlib.crc32(long));
});

for (const { name, polynomial, of } of checksums) {
  describe(name, () => {
    const ones = (1n << BigInt(polynomial.width)) - 1n;

    test("nothing leaves a checksum as it is", () => {
      assert.equal(of(new Uint8Array(0)), 0n);
      assert.equal(of(new Uint8Array(0), 0x1234n), 0x1234n);
    });

    test("every length up to 2,500 bytes agrees with the definition, bit by bit", () => {
      const bytes = new Prng(2).bytes(2500);
      let register = ones;
      for (let length = 0; length <= bytes.length; length++) {
        assert.equal(of(bytes.subarray(0, length)), register ^ ones, `length ${length}`);
        if (length < bytes.length)
          register = referenceRegister(polynomial, register, bytes.subarray(length, length + 1));
      }
    });

    test("lengths around the kernel's piece agree with the definition", () => {
      const bytes = new Prng(3).bytes(KERNEL_BYTES_MAX + 700);
      const near = bytes.subarray(0, KERNEL_BYTES_MAX - 60);
      let register = referenceRegister(polynomial, ones, near);
      for (let length = near.length; length < bytes.length; length++) {
        assert.equal(of(bytes.subarray(0, length)), register ^ ones, `length ${length}`);
        register = referenceRegister(polynomial, register, bytes.subarray(length, length + 1));
      }
    });

    test("any split gives the checksum of the whole", () => {
      const bytes = new Prng(4).bytes(1700);
      const whole = of(bytes);
      for (let at = 0; at <= bytes.length; at++) {
        assert.equal(of(bytes.subarray(at), of(bytes.subarray(0, at))), whole, `split at ${at}`);
      }
    });

    test("the place in its buffer does not matter", () => {
      const bytes = new Prng(5).bytes(1500);
      const whole = of(bytes);
      for (let offset = 1; offset < 70; offset++) {
        const moved = new Uint8Array(offset + bytes.length + 3).fill(0xa5);
        moved.set(bytes, offset);
        assert.equal(of(moved.subarray(offset, offset + bytes.length)), whole, `offset ${offset}`);
      }
    });

    test("leaves its input alone and remembers nothing of the call before", () => {
      const random = new Prng(6);
      for (let round = 0; round < 200; round++) {
        const bytes = random.bytes(random.below(round % 20 === 0 ? 70_000 : 2000));
        const copy = bytes.slice();
        const first = of(bytes);
        of(random.bytes(random.below(5000)));
        assert.equal(of(copy), first, `round ${round}`);
        assert.deepEqual(bytes, copy);
      }
    });

    test("takes bytes of a SharedArrayBuffer", () => {
      const bytes = new Prng(7).bytes(5000);
      const shared = new Uint8Array(new SharedArrayBuffer(5000));
      shared.set(bytes);
      assert.equal(of(shared), of(bytes));
    });
  });
}

test("WebAssembly is in use on this machine", () => {
  for (const { polynomial } of checksums) assert.notEqual(loadKernel(polynomial).run, undefined);
});

test("checksums are written and read big-endian", () => {
  assert.deepEqual(crc32ToBytes(0xcbf43926), fromHex("cbf43926"));
  assert.deepEqual(crc64ToBytes(0xae8b14860a799888n), fromHex("ae8b14860a799888"));
  const behind = concatBytes([utf8("x"), fromHex("ae8b14860a799888")!]).subarray(1);
  assert.equal(crc32FromBytes(behind.subarray(0, 4)), 0xae8b1486);
  assert.equal(crc64FromBytes(behind), 0xae8b14860a799888n);
  assert.throws(() => crc32FromBytes(behind), AssertionError);
  assert.throws(() => crc64FromBytes(new Uint8Array(7)), AssertionError);
});

function widened(
  of: (bytes: Uint8Array, previous: number) => number,
): (bytes: Uint8Array, previous?: bigint) => bigint {
  return (bytes, previous = 0n) => BigInt(of(bytes, Number(previous)));
}

function withoutRun<Register extends number | bigint>(kernel: Kernel<Register>): Kernel<Register> {
  return { ...kernel, run: undefined };
}

/** The definition of a reflected CRC, bit by bit: the register after these bytes. */
function referenceRegister(polynomial: Polynomial, before: bigint, bytes: Uint8Array): bigint {
  let low = Number(before & 0xffff_ffffn);
  let high = Number(before >> 32n);
  for (const byte of bytes) {
    low ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      const odd = low & 1;
      low = (low >>> 1) | (high << 31);
      high >>>= 1;
      if (odd === 0) continue;
      low ^= polynomial.low;
      high ^= polynomial.high;
    }
  }
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}
