"""A client that the thrift compiler made: the four methods with both message headers, refusals, and a client without frames."""

import json
import sys
import time

port, generated, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
sys.path.insert(0, generated)

from snowflake import Snowflake, Stranger
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TApplicationException
from thrift.transport import TSocket, TTransport


def connect(service, wrap=TTransport.TFramedTransport, strict=True):
    socket = TSocket.TSocket("127.0.0.1", port)
    socket.setTimeout(20_000)
    transport = wrap(socket)
    transport.open()
    return service.Client(TBinaryProtocol(transport, strictRead=strict, strictWrite=strict))


def refusal(call):
    try:
        call()
    except TApplicationException as error:
        return [error.type, error.message]
    raise SystemExit("a call that should be refused went through")


strict, old = connect(Snowflake), connect(Snowflake, strict=False)
ids = []
for at in range(count):
    ids.append((old if at % 2 else strict).get_id("python-client"))
now = strict.get_timestamp()
print(
    json.dumps(
        {
            "ids": [str(number) for number in ids],
            "worker": strict.get_worker_id(),
            "datacenter": old.get_datacenter_id(),
            "clockIsNear": abs(now - time.time() * 1000) < 60_000,
            "badAgent": refusal(lambda: strict.get_id("no spaces")),
            "unknownMethod": refusal(connect(Stranger).get_nothing),
            "unframed": refusal(lambda: connect(Snowflake, TTransport.TBufferedTransport).get_id("python-client")),
            "idBehindRefusal": str(strict.get_id("python-client")),
        }
    )
)
