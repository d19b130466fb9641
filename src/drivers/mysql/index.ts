export { MysqlClient, type MysqlOptions, type MysqlRow, type RunMysql } from "./client.ts";
export { checkDurability } from "./durability.ts";
export { MYSQL_ERRORS, type MysqlError, type MysqlErrorCode, mysqlFailure } from "./errors.ts";
export { type LeafAllocRow, LeafAllocTable } from "./leaf-alloc.ts";
export { type DrawnTickets, TicketTable } from "./tickets.ts";
