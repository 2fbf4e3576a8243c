"""An object store for tests: a real S3 server, in a process of its own, that can be stopped and started."""

import socket
import subprocess
import sys
from contextlib import contextmanager

import boto3

SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = None
for line in sys.stdin:
    if line.strip() == "start":
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=int(sys.argv[1]), verbose=False)
        server.start()
    else:
        server.stop()
    print("done", flush=True)
"""


class Store:
    """The server; what it holds survives a stop."""

    def __init__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{port}"
        self.options = {
            "endpoint": self.endpoint,
            "access_key_id": "a",
            "secret_access_key": "b",
            "region": "us-east-1",
            "allow_http": "true",
            "max_retries": "1",
            "retry_timeout": "2s",
        }
        command = [sys.executable, "-c", SERVER, str(port)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def tell(self, word):
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@contextmanager
def object_store(bucket):
    """A server that runs, with one bucket."""
    server = Store()
    server.tell("start")
    credentials = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=server.endpoint, **credentials)
    client.create_bucket(Bucket=bucket)
    client.close()
    try:
        yield server
    finally:
        server.close()
