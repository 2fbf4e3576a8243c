"""Files of versions: kept under their SHA-256, whole or not at all, and never served once they were changed."""

import hashlib
import io
import os
import subprocess
import sys
import time

import pytest

from registry_home import a_home
from watchkeeper.release import artifact
from watchkeeper.release.artifact import NoArtifact, StoreUnavailable, TooLarge, WrongBytes

BYTES = b"what was trained" * 1000
DIGEST = hashlib.sha256(BYTES).hexdigest()


@pytest.fixture
def home(tmp_path):
    with a_home(tmp_path / "home") as made:
        yield made


def a_source(folder, data=BYTES):
    path = folder / "model.bin"
    path.write_bytes(data)
    return path


def test_a_file_comes_back_as_it_was_put(home, tmp_path):
    assert artifact.put(home, a_source(tmp_path)) == DIGEST
    assert artifact.fetch(home, DIGEST).read_bytes() == BYTES
    assert artifact.fetch(home, DIGEST) == home.folder / "artifacts" / DIGEST[:2] / DIGEST


def test_the_same_bytes_are_kept_once(home, tmp_path):
    for _ in range(3):
        artifact.put(home, a_source(tmp_path))
    assert [path.name for path in (home.folder / "artifacts").rglob("*") if path.is_file()] == [DIGEST]


def test_a_folder_elsewhere_may_be_named(tmp_path):
    with a_home(tmp_path / "home", artifacts=str(tmp_path / "models")) as home:
        artifact.put(home, a_source(tmp_path))
        assert artifact.fetch(home, DIGEST).is_relative_to(tmp_path / "models")


@pytest.mark.parametrize("damage", [b"", BYTES[:-1], BYTES + b"!", b"!" + BYTES[1:]])
def test_a_file_that_was_changed_or_cut_is_refused(home, tmp_path, damage):
    artifact.put(home, a_source(tmp_path))
    kept = artifact.fetch(home, DIGEST)
    kept.chmod(0o644)
    kept.write_bytes(damage)
    with pytest.raises(WrongBytes, match="not the bytes that were registered"):
        artifact.fetch(home, DIGEST)


def test_what_was_damaged_is_mended_by_the_original(home, tmp_path):
    artifact.put(home, a_source(tmp_path))
    kept = artifact.fetch(home, DIGEST)
    kept.chmod(0o644)
    kept.write_bytes(b"rot")
    artifact.put(home, a_source(tmp_path))
    assert artifact.fetch(home, DIGEST).read_bytes() == BYTES


def test_a_file_that_is_gone_is_said_to_be_gone(home, tmp_path):
    artifact.put(home, a_source(tmp_path))
    artifact.fetch(home, DIGEST).unlink()
    with pytest.raises(NoArtifact, match="is gone"):
        artifact.fetch(home, DIGEST)


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "..", "", "a" * 63, "A" * 64, "a" * 64 + "\n", "a/../" + "b" * 59]
)
def test_no_text_but_a_digest_leads_anywhere(home, name):
    with pytest.raises(NoArtifact, match="no SHA-256"):
        artifact.fetch(home, name)


def test_a_large_file_is_refused_before_a_byte_is_copied(tmp_path):
    with a_home(tmp_path / "home", serving={"file_bytes": 100}) as home:
        with pytest.raises(TooLarge, match="16,000 bytes, and 100 are allowed"):
            artifact.put(home, a_source(tmp_path))
        assert not (home.folder / "artifacts").exists()


def test_a_file_that_grows_while_it_is_read_is_cut_off_at_the_limit():
    class Endless:
        def read(self, size):
            return b"x" * size

    with pytest.raises(TooLarge, match="goes on after the 3,000,000 bytes"):
        artifact._copied(Endless(), io.BytesIO(), 3_000_000)


def test_a_folder_or_a_pipe_is_no_file(home, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "absent"):
        with pytest.raises(NoArtifact, match="is no file"):
            artifact.put(home, path)


def test_a_full_disk_leaves_nothing_behind(home, tmp_path):
    """The limit on the size of files stands for the disk: writing fails in the middle of the copy."""
    source = a_source(tmp_path, b"x" * 5_000_000)
    code = (
        "import resource, signal, sys\n"
        "from watchkeeper.release import artifact\nfrom watchkeeper.watch.home import opened\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "with opened(sys.argv[1]) as home:\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))\n"
        "    try:\n        artifact.put(home, sys.argv[2])\n"
        "    except OSError as full:\n        print(full.errno)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, home.folder, source], capture_output=True, text=True)
    assert done.stdout.strip() == "27", done.stderr
    assert not [path for path in (home.folder / "artifacts").rglob("*") if path.is_file()]


def test_what_killed_processes_left_is_swept_after_a_day(home, tmp_path):
    folder = home.folder / "artifacts"
    folder.mkdir()
    for name, age in (("old", 2 * 86_400), ("young", 60)):
        (folder / f"{artifact.UNFINISHED}{name}").write_bytes(b"half")
        os.utime(folder / f"{artifact.UNFINISHED}{name}", (time.time() - age,) * 2)
    artifact.put(home, a_source(tmp_path))
    assert [path.name for path in folder.glob(f"{artifact.UNFINISHED}*")] == [f"{artifact.UNFINISHED}young"]


def test_any_store_that_fsspec_knows_will_do(tmp_path):
    """Here one in memory, as far away as any: what is fetched is verified and kept on this machine."""
    import fsspec

    with a_home(tmp_path / "home", artifacts="memory://models/hotel") as home:
        assert artifact.put(home, a_source(tmp_path)) == DIGEST
        cached = artifact.fetch(home, DIGEST)
        cached.unlink()
        assert artifact.fetch(home, DIGEST).read_bytes() == BYTES
        cached.unlink()
        memory = fsspec.filesystem("memory")
        (name,) = memory.find("/models/hotel")
        memory.pipe(name, b"other bytes")
        with pytest.raises(WrongBytes, match="memory://models/hotel"):
            artifact.fetch(home, DIGEST)
        assert not cached.exists()
        memory.rm(name)
        with pytest.raises(NoArtifact, match="is not there"):
            artifact.fetch(home, DIGEST)


def test_a_store_that_nobody_knows_is_told(tmp_path):
    with (
        a_home(tmp_path / "home", artifacts="nowhere://models") as home,
        pytest.raises(StoreUnavailable, match="nowhere"),
    ):
        artifact.put(home, a_source(tmp_path))
