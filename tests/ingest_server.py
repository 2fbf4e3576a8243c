"""A server in a thread that takes records over HTTP and answers as a test tells it."""

from __future__ import annotations

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from watchkeeper.sdk import Kind, decode

KINDS = {"events": Kind.EVENT, "labels": Kind.LABEL, "metrics": Kind.POINT, "jobs": Kind.JOB}


class Server:
    """Keeps what it accepts; `answers` holds what it answers next, and 200 when that is used up."""

    def __init__(self, port=0):
        self.answers, self.accepted, self.requests, self.connections = [], [], [], set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.take(self, body)

            def log_message(self, *_):
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._http.daemon_threads = True
        self.port = self._http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def take(self, request, body):
        self.requests.append((request.path, dict(request.headers)))
        self.connections.add(request.client_address)
        answer = self.answers.pop(0) if self.answers else 200
        status, headers, rejected, keep = answer if isinstance(answer, tuple) else (answer, {}, [], answer == 200)
        if status is None:
            request.connection.close()
            request.close_connection = True
            return
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        records, bad = decode(KINDS[request.path.rsplit("/", 1)[1]], body)
        assert bad == []
        if keep:
            self.accepted += records
        text = json.dumps({"accepted": len(records), "duplicates": 0, "rejected": rejected}).encode()
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(text)))
        request.end_headers()
        request.wfile.write(text)

    def close(self):
        self._http.shutdown()
        self._http.server_close()
