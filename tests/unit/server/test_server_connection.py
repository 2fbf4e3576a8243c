"""Connections whose clients dawdle, never end, or leave half a body behind."""

from __future__ import annotations

import re
import socket
import threading
import time

import pytest
import uvicorn

from serving import MODEL
from watchkeeper.server import Limits
from watchkeeper.server.connection import Connection
from watchkeeper.server.serve import configured


@pytest.fixture
def port(client):
    """Where the application is served on a real socket, with little patience."""
    listener = socket.create_server(("127.0.0.1", 0))
    limits = Limits(head_seconds=0.5, head_bytes=20_000)
    running = uvicorn.Server(configured(client.app, Connection, limits, limits.shutdown_seconds))
    running.config.lifespan = "off"  # the fixture of the client keeps it alive
    running.config.loop = "asyncio"
    thread = threading.Thread(target=running.run, args=([listener],))
    thread.start()
    yield listener.getsockname()[1]
    running.should_exit = True
    thread.join()


def connected(port):
    connection = socket.create_connection(("127.0.0.1", port))
    connection.settimeout(20)
    return connection


def statuses(connection, number):
    """The statuses of the next answers."""
    found, text = [], b""
    while len(found) < number:
        part = connection.recv(65_536)
        assert part, text
        text += part
        found = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", text)]
    return found


def endless_headers(connection):
    """Send headers until the server has had enough; how many bytes that took."""
    sent = 0
    try:
        while sent < 5_000_000:
            connection.sendall(b"X-Endless: " + b"x" * 5_000 + b"\r\n")
            sent += 5_000
            time.sleep(0.001)
    except OSError:
        pass
    return sent


def test_requests_whose_head_never_ends_are_cut_off_and_others_are_served(port):
    silent = connected(port)
    dawdling = connected(port)
    dawdling.sendall(b"POST /healthz HTTP/1.1\r\nX-Slow: ")
    with connected(port) as quick:
        quick.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert statuses(quick, 1) == [200]
    assert silent.recv(100) == b""
    assert dawdling.recv(100) == b""
    silent.close()
    dawdling.close()


def test_a_head_without_end_is_cut_off_long_before_it_fills_memory(port):
    with connected(port) as endless:
        endless.sendall(b"GET /healthz HTTP/1.1\r\n")
        sent = endless_headers(endless)
        assert sent < 1_000_000


def test_what_lies_unread_of_a_refused_body_does_not_spoil_the_next_request(port):
    with connected(port) as connection:
        body = b"GET /healthz HTTP/1.1\r\n\r\n" * 20_000
        head = f"POST /api/v1/models/{MODEL}/events HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body + b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert statuses(connection, 2) == [401, 200]


def test_a_client_that_waits_for_leave_to_send_is_refused_without_its_body(port):
    with connected(port) as connection:
        path = f"/api/v1/models/{MODEL}/events"
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"
        connection.sendall(head.encode())
        assert statuses(connection, 1) == [401]
        rest = b""
        while part := connection.recv(4096):  # until the server hangs up
            rest += part
        assert b"HTTP/1.1" not in rest
