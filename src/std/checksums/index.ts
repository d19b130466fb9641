export {
  crc32,
  crc32c,
  crc32FromBytes,
  crc32ToBytes,
  crc64FromBytes,
  crc64nvme,
  crc64ToBytes,
} from "./checksums.ts";
export { combineCrc32, combineCrc32c, combineCrc64nvme } from "./combine.ts";
