"""An API that answers every call with the same status after a fixed time, at little cost.

`python -m benchmarks.slow_api SECONDS [FILE]`: over TLS with the certificate and key of FILE.
"""

import asyncio
import ssl
import sys

STATUS_BODY = (
    b'{"total_tools":42,"enabled_tools":7,"last_sync_at":"2026-03-01T10:00:00Z",'
    b'"next_sync_at":"2099-03-01T10:00:00Z","sync_interval_hours":4,'
    b'"incremental_sync_enabled":true,"status":"ok"}'
)
STATUS_RESPONSE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
    % (
        len(STATUS_BODY),
        STATUS_BODY,
    )
)


async def _run_server(seconds: float, certificate_file: str = "") -> None:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(seconds)
                writer.write(STATUS_RESPONSE)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    tls = None
    if certificate_file:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate_file)
    server = await asyncio.start_server(respond, "127.0.0.1", 0, backlog=512, ssl=tls)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_run_server(float(sys.argv[1]), *sys.argv[2:]))
