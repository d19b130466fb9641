/**
 * A CRC's generator polynomial G over GF(2), and a sparse multiple of it for the fold of kernel.ts. All three CRCs
 * here are reflected (the lowest bit of a byte is its highest power of x) and start from and end in all ones.
 */
export interface Polynomial {
  readonly width: 32 | 64;
  /** The coefficients below x^width, reflected, as two unsigned words; `high` is 0 where the width is 32. */
  readonly low: number;
  readonly high: number;
  /**
   * Distances t, rising, such that x^n equals the sum of x^(n - t) modulo G, n being the last of them. Squaring keeps
   * such an identity (over GF(2) the square of a sum is the sum of the squares), so it holds as well with every
   * exponent multiplied by 8: bytes at position i may be replaced by the same bytes at every i + t. A multiple of few
   * terms makes a cheap step, a small n a short rest, and with no t below 120 the processor reads what it wrote some
   * steps ago without waiting for it. These were found by sorting the sums of half the terms and looking up the other
   * half; polynomials.test.ts checks the identity.
   */
  readonly foldDistances: readonly number[];
}

/** IEEE 802.3: zlib, PNG, S3's CRC32. */
export const CRC32_POLYNOMIAL: Polynomial = {
  width: 32,
  low: 0xedb8_8320,
  high: 0,
  foldDistances: [145, 183, 211, 300],
};

/** Castagnoli's: iSCSI, our log and volumes, S3's CRC32C. */
export const CRC32C_POLYNOMIAL: Polynomial = {
  width: 32,
  low: 0x82f6_3b78,
  high: 0,
  foldDistances: [123, 145, 178, 195, 266],
};

/** NVM Express's: S3's CRC64NVME. */
export const CRC64NVME_POLYNOMIAL: Polynomial = {
  width: 64,
  low: 0xac4b_c9b5,
  high: 0x9a6c_9329,
  foldDistances: [147, 155, 171, 223, 244, 333, 371, 523, 535, 586],
};
