// What `ashlar/raft/node` is: files and sockets for `ashlar/raft`. It needs Node.

/// <reference lib="esnext.disposable" preserve="true" />

export { certificateName, type PeerAddress, type PeerEvent, type PeerLimits, type PeerStatus } from "../peer/index.ts";
export { type FileStorageOptions, fileStorage } from "./file-storage.ts";
export { nodeEnv } from "./node-env.ts";
export { type TcpTransport, type TcpTransportOptions, tcpTransport } from "./tcp-transport.ts";
