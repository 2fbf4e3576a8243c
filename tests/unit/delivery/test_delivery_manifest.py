"""Integrity: digests and HMACs against the manifest, and files that came before."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from watchkeeper.delivery import Delivery, deliver, digest_of
from watchkeeper.delivery.manifest import BadManifest
from watchkeeper.delivery.source import Unreadable
from watchkeeper.model import Column, Model

MODEL = Model(name="m", columns={"a": Column(type="integer")})
DATA = b"a\n1\n2\n"
KEY = b"secret"


@pytest.fixture
def signed(tmp_path):
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases/x.csv").write_bytes(DATA)

    def check(changed: bytes = DATA, key: object = None, path: str = "cases/x.csv", **entry: object) -> Delivery:
        told = {
            "sha256": hashlib.sha256(DATA).hexdigest(),
            "hmac_sha256": hmac.new(KEY, DATA, "sha256").hexdigest(),
            "bytes": 6,
            "rows": 2,
        }
        (tmp_path / "manifest.json").write_text(json.dumps({"algorithm": "x", "files": {path: {**told, **entry}}}))
        (tmp_path / "cases/x.csv").write_bytes(changed)
        delivery = deliver(tmp_path / "cases/x.csv", MODEL, manifest=tmp_path / "manifest.json", hmac_key=key)
        list(delivery.blocks())
        return delivery

    return check


def checks(delivery: Delivery) -> list[str]:
    return [found.check for found in delivery.violations]


def test_a_file_as_its_manifest_says_is_accepted(signed, tmp_path) -> None:
    key = tmp_path / "key"
    key.write_bytes(KEY)
    assert checks(signed()) == checks(signed(key=KEY)) == checks(signed(key=key)) == []
    assert checks(signed(sha256=hashlib.sha256(DATA).hexdigest().upper())) == []


def test_a_changed_file_a_changed_digest_and_a_wrong_key_are_told_apart(signed) -> None:
    changed = DATA.replace(b"2", b"3")
    assert checks(signed(changed)) == ["sha256"]
    assert checks(signed(changed, KEY, sha256=hashlib.sha256(changed).hexdigest())) == ["hmac"]
    assert checks(signed(key=b"wrong")) == ["hmac"]
    assert checks(signed(key=KEY, hmac_sha256=None)) == ["hmac"]
    assert checks(signed(DATA + b"3\n")) == ["manifest_size"]
    assert checks(signed(rows=3)) == ["manifest_rows"]
    assert signed(rows=3).rejected


def test_a_file_is_found_by_its_path_or_by_a_base_name_of_its_own(signed) -> None:
    assert checks(signed(path="elsewhere/x.csv")) == []
    assert checks(signed(path="y.csv")) == ["unlisted_file"]
    assert "it lists y.csv" in signed(path="y.csv").violations[0].message


@pytest.mark.parametrize("text", ["{", "[]", '{"files": {"x.csv": {}}}', '{"files": {"x.csv": {"sha256": 5}}}', "\xff"])
def test_a_manifest_that_is_none_is_an_error_that_shows_one(tmp_path, text: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(DATA)
    (tmp_path / "m.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(BadManifest, match="must look like"):
        deliver(path, MODEL, manifest=tmp_path / "m.json")
    with pytest.raises(BadManifest, match="can't be read"):
        deliver(path, MODEL, manifest=tmp_path / "gone.json")


def test_the_bytes_of_an_earlier_delivery_are_known_again_before_anything_else(tmp_path) -> None:
    old, new = tmp_path / "2013-11.csv", tmp_path / "2014-01.csv"
    old.write_bytes(b"not even a table")
    new.write_bytes(old.read_bytes())
    delivery = deliver(new, MODEL, name="2014-01.csv", earlier={digest_of(old): "2013-11.csv"})
    assert checks(delivery) == ["repeated_delivery"]
    assert "has the same bytes as 2013-11.csv" in delivery.violations[0].message
    assert delivery.digest == hashlib.sha256(old.read_bytes()).hexdigest()
    assert delivery.size == len(old.read_bytes())


def test_an_empty_key_is_refused_by_name(signed, tmp_path) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"")
    for empty, name in ((key, str(key)), (b"", "the HMAC key")):
        with pytest.raises(Unreadable, match="empty, so anybody could have signed") as told:
            signed(key=empty)
        assert str(told.value).startswith(name)
        assert told.value.exit_code == 2


@pytest.mark.parametrize("second", ["x.csv", "./x.csv"])
def test_a_file_that_stands_twice_in_a_manifest_is_an_error(tmp_path, second: str) -> None:
    (tmp_path / "x.csv").write_bytes(DATA)
    right, wrong = hashlib.sha256(DATA).hexdigest(), "0" * 64
    text = f'{{"files": {{"x.csv": {{"sha256": "{wrong}"}}, "{second}": {{"sha256": "{right}"}}}}}}'
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(BadManifest, match="one entry a file"):
        deliver(tmp_path / "x.csv", MODEL, manifest=tmp_path / "m.json")


def test_a_digest_that_was_cut_off_is_told_from_one_that_differs(signed) -> None:
    (found,) = signed(sha256=hashlib.sha256(DATA).hexdigest()[:-1]).violations
    assert found.check == "sha256"
    assert "the SHA-256 in its manifest" in found.message
    assert "is not 64 hexadecimal digits" in found.message
    (found,) = signed(key=KEY, hmac_sha256="").violations
    assert (found.check, "is not 64 hexadecimal digits" in found.message) == ("hmac", True)
