"""A fake Aitronos API: its figures follow a script, its responses can be held back."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Figures = dict[str, Any]


class ScriptedApi:
    """Answers *Get sync status* with `script()` and counts the syncs it is asked to start."""

    def __init__(self, script: Callable[[], Figures]) -> None:
        self.script = script
        self.syncs = 0
        self.syncs_by_key: Counter[str] = Counter()  # by what the header of the key held
        self.checked_at: dict[str, float] = {}  # by key: when its latest check came, monotonic
        self.status = 200  # of *Get sync status*; another one comes with an error's body
        self.holding = threading.Event()  # set while an answer is being held back
        self.released = threading.Event()
        self.released.set()
        self.address = ""

    def hold(self) -> None:
        """Take requests and answer none, until `release`."""
        self.holding.clear()
        self.released.clear()

    def release(self) -> None:
        """Answer again, first the requests that were held."""
        self.released.set()


@contextmanager
def serve_scripted_api(api: ScriptedApi) -> Iterator[ScriptedApi]:
    """Serve on loopback inside the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            """Silent."""

        def do_GET(self) -> None:
            health = self.path.startswith("/v1/health")
            if not health:
                api.checked_at[self.headers.get("X-API-Key", "")] = time.monotonic()
            self._wait()
            if health or api.status == 200:
                self._answer({"status": "ok"} if health else api.script())
            else:
                self._answer({"detail": "planned by the test"}, status=api.status)

        def do_POST(self) -> None:
            api.syncs += 1
            api.syncs_by_key[self.headers.get("X-API-Key", "")] += 1
            self._wait()
            self._answer({"job_id": "j", "status": "completed", "tools_synced": 42} | _COUNTS)

        def _wait(self) -> None:
            if not api.released.is_set():
                api.holding.set()
                api.released.wait(300)

        def _answer(self, body_object: Figures, status: int = 200) -> None:
            body = json.dumps(body_object).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                self.close_connection = True  # whoever asked was killed

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
    api.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield api
    finally:
        api.release()
        server.shutdown()
        server.server_close()


_COUNTS = {"tools_created": 1, "tools_updated": 2, "tools_unchanged": 39}
