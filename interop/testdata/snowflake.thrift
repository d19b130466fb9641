// The interface of Twitter's Snowflake service, as its clients know it. No method declares an exception.
namespace py snowflake
namespace java snowflake

service Snowflake {
  i64 get_worker_id()
  i64 get_timestamp()
  i64 get_id(1: string useragent)
  i64 get_datacenter_id()
}

// For a client that asks for what there is not.
service Stranger {
  i64 get_nothing()
}
