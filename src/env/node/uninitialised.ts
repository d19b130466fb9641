/** Memory that the caller fills at once. A plain Uint8Array: `slice` of a Buffer would share what it should copy. */
export function uninitialised(length: number): Uint8Array {
  const buffer = Buffer.allocUnsafe(length);
  return new Uint8Array(buffer.buffer, buffer.byteOffset, length);
}
