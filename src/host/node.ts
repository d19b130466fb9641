// What `ashlar/raft/node` is: files and sockets for `ashlar/raft`. It needs Node.

/// <reference lib="esnext.disposable" preserve="true" />

export type { MutualTls } from "../env/index.ts";
export { certificateName, type PeerAddress, type PeerEvent, type PeerLimits, type PeerStatus } from "../peer/index.ts";
export { nodeEnv } from "./node-env.ts";
export { type FileStorageOptions, fileStorage } from "./storage/file-storage.ts";
export { type TcpTransport, type TcpTransportOptions, tcpTransport } from "./transport/tcp-transport.ts";
