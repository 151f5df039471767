#!/bin/sh
# uvicorn 0.54.0 with CPython's asyncio: Nagle's algorithm stays on where the listening socket has no protocol number.
#
# asyncio turns Nagle's algorithm off on connections whose socket has the protocol IPPROTO_TCP. A listening socket made by
# socket.socket(AF_INET, SOCK_STREAM), which is TCP too, has the protocol 0, and so have its connections: there an answer's
# body, a second small packet, may wait until the client acknowledges its head.
# Seen, and expected here, non-zero exit otherwise (Linux, loopback):
#   socket.socket(AF_INET, SOCK_STREAM)              : TCP_NODELAY off
#   socket.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) : TCP_NODELAY on
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uvicorn==0.54.0
cat > "$folder/serve.py" <<'PYTHON'
import asyncio
import socket

import uvicorn


async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def told(listening):
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", loop="asyncio"))
    running = asyncio.create_task(server.serve([listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    writer.write(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n")
    await reader.readuntil(b"ok")
    (connection,) = server.server_state.connections
    there = connection.transport.get_extra_info("socket")
    found = bool(there.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
    writer.close()
    server.should_exit = True
    await running
    return found


found = []
for name, protocol in (("", 0), (", IPPROTO_TCP", socket.IPPROTO_TCP)):
    found.append(asyncio.run(told(socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol))))
    print(f"{f'socket.socket(AF_INET, SOCK_STREAM{name})':<49}: TCP_NODELAY {'on' if found[-1] else 'off'}")
assert found == [False, True], found
PYTHON
"$folder/venv/bin/python" "$folder/serve.py"
