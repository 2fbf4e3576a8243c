"""A web server of the tests' own that keeps what is posted to it, and answers as it is told."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Hook:
    """What came, and what is answered: each answer once, then 200."""

    port: int = 0
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    posts: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    hangs: threading.Event | None = None


@contextmanager
def hook(*statuses, hangs=False, headers=None, wrap=None):
    """A server on a port of its own; `hangs`: it takes requests and answers none until the block ends."""
    kept = Hook(answers=[(status, headers or {}) for status in statuses], hangs=threading.Event() if hangs else None)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.posts.append((self.path, dict(self.headers), body))
            if kept.hangs:
                kept.hangs.wait(60)
            status, more = kept.answers.pop(0) if kept.answers else (200, {})
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if wrap:
        server.socket = wrap(server.socket)
    server.daemon_threads = True
    kept.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield kept
    finally:
        if kept.hangs:
            kept.hangs.set()
        server.shutdown()
        thread.join()
        server.server_close()
