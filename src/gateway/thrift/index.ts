export { openThriftGateway, type ThriftGateway, type ThriftGatewayParts, type ThriftOptions } from "./gateway.ts";
export { THRIFT_LIMITS } from "./limits.ts";
