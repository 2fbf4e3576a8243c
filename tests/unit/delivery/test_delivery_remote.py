"""URLs: what can't be reached is told with the remedy, and no key or password is ever printed."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape

import pytest

from watchkeeper.delivery import NoSuchFile, deliver, expand
from watchkeeper.delivery.remote import Unreachable, shown
from watchkeeper.model import Column, Model

MODEL = Model(name="m", columns={"a": Column(type="integer")})


class Store(BaseHTTPRequestHandler):
    """As much of S3 as a reader needs: objects of one bucket by name; a key `locked` lets nobody in."""

    objects: dict[str, bytes] = {"2024/a.csv": b"a\n1\n", "2024/b.csv": b"a\n2\n", "2024/deep/c.csv": b"a\n3\n"}  # noqa: RUF012

    def do_GET(self) -> None:
        key, _, query = self.path.removeprefix("/bucket").lstrip("/").partition("?")
        asked = dict(part.partition("=")[::2] for part in query.split("&"))
        if key == "locked":
            self.answer(403, b"")
        elif key in self.objects:
            self.answer(200, self.objects[key])
        elif "list-type" in asked:
            self.answer(200, self.listing(asked.get("prefix", "").replace("%2F", "/"), "delimiter" in asked))
        else:
            self.answer(404, b"<Error><Code>NoSuchKey</Code><Message>no</Message></Error>")

    do_HEAD = do_GET  # noqa: N815

    def listing(self, prefix: str, shallow: bool) -> bytes:
        inside = [name for name in self.objects if name.startswith(prefix)]
        folders = {prefix + name[len(prefix) :].split("/")[0] + "/" for name in inside if "/" in name[len(prefix) :]}
        files = [name for name in inside if not (shallow and "/" in name[len(prefix) :])]
        parts = [
            f"<Contents><Key>{escape(name)}</Key><Size>4</Size><LastModified>2024-01-01T00:00:00Z</LastModified></Contents>"
            for name in files
        ]
        parts += [f"<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>" for name in folders if shallow]
        return f"<ListBucketResult><KeyCount>{len(parts)}</KeyCount>{''.join(parts)}</ListBucketResult>".encode()

    def answer(self, code: int, body: bytes) -> None:
        start, end = 0, len(body) - 1
        if code == 200 and (wanted := self.headers.get("Range")):
            start, end = (int(number) for number in wanted.removeprefix("bytes=").split("-"))
            code = 206
        part = body[start : end + 1]
        self.send_response(code)
        self.send_header("Content-Length", str(len(part)))
        self.send_header("Content-Type", "application/xml")
        self.send_header("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(part)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def bucket():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Store)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield (
        lambda key: (
            f"s3://user:secret@bucket/{key}?endpoint_override=127.0.0.1:{server.server_port}&scheme=http&region=us-east-1"
        )
    )
    server.shutdown()
    server.server_close()


def test_an_object_is_read_and_named_without_its_keys(bucket) -> None:
    delivery = deliver(bucket("2024/a.csv"), MODEL)
    assert [block.table["a"].to_pylist() for block in delivery.blocks()] == [[1]]
    assert delivery.name == "s3://bucket/2024/a.csv"


@pytest.mark.parametrize(
    ("key", "files"),
    [("2024/*.csv", ["a.csv", "b.csv"]), ("2024", ["a.csv", "b.csv", "deep/c.csv"]), ("2024/*/*.csv", ["deep/c.csv"])],
)
def test_a_glob_or_folder_of_a_bucket_leads_to_its_files(bucket, key: str, files: list[str]) -> None:
    found = expand(bucket(key))
    assert [shown(url) for url in found] == [f"s3://bucket/2024/{file}" for file in files]
    assert len([block for url in found for block in deliver(url, MODEL).blocks()]) == len(files)


@pytest.mark.parametrize(
    ("key", "words"), [("2024/z.csv", "there is no such file"), ("2024/*.parquet", "holds a.csv and b.csv")]
)
def test_what_a_bucket_does_not_hold_is_wrong_usage(bucket, key: str, words: str) -> None:
    with pytest.raises(NoSuchFile, match=words) as error:
        expand(bucket(key))
    assert error.value.exit_code == 2
    assert f"s3://bucket/{key}" in str(error.value)
    assert "secret" not in str(error.value)


def test_who_is_not_let_in_hears_of_credentials_and_region(bucket) -> None:
    with pytest.raises(Unreachable, match=r"ACCESS_DENIED.*AWS_ACCESS_KEY_ID") as error:
        expand(bucket("locked"))
    assert error.value.exit_code == 4
    assert str(error.value).startswith("s3://bucket/locked: ")
    assert "secret" not in str(error.value)


def test_clients_that_raise_errors_of_their_own_kind_are_understood(monkeypatch) -> None:
    import pyarrow as pa
    from pyarrow import fs

    def failing(_: str) -> None:
        raise pa.ArrowException("Unknown error: no token\nSee the manual")

    monkeypatch.setattr(fs, "FileSystem", type("Fake", (), {"from_uri": staticmethod(failing)}))
    with pytest.raises(Unreachable, match=r"no token\).*az login"):
        expand("abfs://container@account.dfs.core.windows.net/x.parquet")


def test_a_client_that_would_try_for_a_quarter_of_an_hour_is_told_to_give_up_sooner(monkeypatch) -> None:
    from pyarrow import fs

    asked = []

    def failing(url: str) -> None:
        asked.append(url)
        raise OSError("no answer")

    monkeypatch.setattr(fs, "FileSystem", type("Fake", (), {"from_uri": staticmethod(failing)}))
    for url in ("gs://bucket/x.parquet", "gs://bucket/x.parquet?retry_limit_seconds=5"):
        with pytest.raises(Unreachable, match="no answer"):
            expand(url)
    assert asked == ["gs://bucket/x.parquet?retry_limit_seconds=15", "gs://bucket/x.parquet?retry_limit_seconds=5"]
