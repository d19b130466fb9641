export { EtcdClient, type EtcdOptions, type EtcdTls } from "./client.ts";
export { ETCD_ERRORS, type EtcdError, type EtcdErrorCode } from "./errors.ts";
export {
  COMPARE,
  type Compare,
  type Header,
  type KeyValue,
  type RangeResponse,
  type RequestOperation,
  type ResponseOperation,
  SORT,
  TARGET,
  type TxnRequest,
  type TxnResponse,
  type WatchEvent,
} from "./messages.ts";
export type { EtcdWatch, WatchSettings } from "./watch.ts";
