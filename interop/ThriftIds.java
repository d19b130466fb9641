import org.apache.thrift.TApplicationException;
import org.apache.thrift.protocol.TBinaryProtocol;
import org.apache.thrift.protocol.TProtocol;
import org.apache.thrift.transport.TSocket;
import org.apache.thrift.transport.TTransport;
import org.apache.thrift.transport.layered.TFramedTransport;
import snowflake.Snowflake;
import snowflake.Stranger;

/** As thrift_ids.py, on the runtime library that most of the service's clients were written for. */
public final class ThriftIds {
  private static final int TIMEOUT_MILLIS = 20_000;

  private interface Call {
    void run() throws Exception;
  }

  public static void main(String[] arguments) throws Exception {
    int port = Integer.parseInt(arguments[0]);
    int count = Integer.parseInt(arguments[1]);
    Snowflake.Client strict = new Snowflake.Client(connect(port, true, true));
    Snowflake.Client old = new Snowflake.Client(connect(port, true, false));
    StringBuilder ids = new StringBuilder();
    for (int at = 0; at < count; at++) {
      long id = (at % 2 == 0 ? strict : old).get_id("java-client");
      ids.append(at == 0 ? "" : ",").append('"').append(id).append('"');
    }
    boolean clockIsNear = Math.abs(strict.get_timestamp() - System.currentTimeMillis()) < 60_000;
    Stranger.Client stranger = new Stranger.Client(connect(port, true, true));
    Snowflake.Client unframed = new Snowflake.Client(connect(port, false, true));
    System.out.println(
        "{\"ids\":[" + ids + "]"
            + ",\"worker\":" + strict.get_worker_id()
            + ",\"datacenter\":" + old.get_datacenter_id()
            + ",\"clockIsNear\":" + clockIsNear
            + ",\"badAgent\":" + refusal(() -> strict.get_id("no spaces"))
            + ",\"unknownMethod\":" + refusal(stranger::get_nothing)
            + ",\"unframed\":" + refusal(() -> unframed.get_id("java-client"))
            + ",\"idBehindRefusal\":\"" + strict.get_id("java-client") + "\"}");
  }

  private static TProtocol connect(int port, boolean isFramed, boolean isStrict) throws Exception {
    TTransport socket = new TSocket("127.0.0.1", port, TIMEOUT_MILLIS);
    TTransport transport = isFramed ? new TFramedTransport(socket) : socket;
    transport.open();
    return new TBinaryProtocol(transport, isStrict, isStrict);
  }

  private static String refusal(Call call) throws Exception {
    try {
      call.run();
    } catch (TApplicationException error) {
      return "[" + error.getType() + ",\"" + error.getMessage() + "\"]";
    }
    throw new IllegalStateException("a call that should be refused went through");
  }
}
