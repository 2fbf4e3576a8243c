"""Files of versions in an object store: a real S3 server, which can be stopped."""

import boto3
import pytest

from object_store import object_store
from registry_home import NOW, a_file, a_home
from watchkeeper.release import artifact, registry
from watchkeeper.release.artifact import NoArtifact, StoreUnavailable, WrongBytes

BUCKET = "models"


@pytest.fixture(scope="module")
def server():
    with object_store(BUCKET) as running:
        yield running


@pytest.fixture
def client(server):
    options = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    made = boto3.client("s3", endpoint_url=server.endpoint, **options)
    yield made
    made.close()


@pytest.fixture
def home(server, tmp_path):
    with a_home(tmp_path / "home", artifacts=f"s3://{BUCKET}/hotel", storage=server.options) as made:
        yield made


def register(home, path):
    return registry.register(home, "hotel", path, now=NOW, who="ann")


def keys(client):
    return [one["Key"] for one in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def test_a_file_goes_to_the_store_and_comes_back_on_another_machine(home, client, server, tmp_path):
    path = a_file(tmp_path, 1.5)
    kept = register(home, path)
    assert f"hotel/{kept.artifact[:2]}/{kept.artifact}" in keys(client)
    other = {"artifacts": f"s3://{BUCKET}/hotel", "storage": server.options}
    with a_home(tmp_path / "other", **other) as elsewhere:
        assert artifact.fetch(elsewhere, kept.artifact).read_bytes() == path.read_bytes()


def test_a_file_of_several_parts_is_stored_whole(home, client, tmp_path):
    path = tmp_path / "large.bin"
    path.write_bytes(bytes(range(256)) * 100_000)  # 25.6 MB: more than one part of an upload
    sha256 = artifact.put(home, path)
    head = client.head_object(Bucket=BUCKET, Key=f"hotel/{sha256[:2]}/{sha256}")
    assert head["ContentLength"] == path.stat().st_size
    artifact.fetch(home, sha256).unlink()
    assert artifact.fetch(home, sha256).read_bytes() == path.read_bytes()


def test_what_was_fetched_once_is_served_while_the_store_is_away(home, server, tmp_path):
    kept = register(home, a_file(tmp_path, 2.5))
    server.tell("stop")
    try:
        assert registry.servable(home, kept).path.is_file(), "a rollback does not wait for the store"
        registry.servable(home, kept).path.unlink()
        with pytest.raises(StoreUnavailable, match="could not be read"):
            registry.servable(home, kept)
        with pytest.raises(StoreUnavailable, match="could not be"):
            register(home, a_file(tmp_path, 9.5))
        assert [one.version for one in registry.versions(home, "hotel")] == ["v1"], "not stored, so not registered"
    finally:
        server.tell("start")


def test_other_bytes_in_the_store_are_refused_and_never_kept(home, client, tmp_path):
    kept = register(home, a_file(tmp_path, 3.5))
    key = f"hotel/{kept.artifact[:2]}/{kept.artifact}"
    client.put_object(Bucket=BUCKET, Key=key, Body=b"other bytes")
    cached = registry.servable(home, kept).path
    cached.chmod(0o644)
    cached.write_bytes(b"rot")
    with pytest.raises(WrongBytes, match=r"s3://models/hotel/.*not the bytes that were registered"):
        registry.servable(home, kept)
    register(home, a_file(tmp_path, 3.5))
    assert registry.servable(home, kept).path.read_bytes() == a_file(tmp_path, 3.5).read_bytes(), "mended"


def test_a_rotten_copy_on_this_machine_is_fetched_again(home, tmp_path):
    path = a_file(tmp_path, 4.5)
    kept = register(home, path)
    cached = registry.servable(home, kept).path
    cached.chmod(0o644)
    cached.write_bytes(b"rot")
    assert registry.servable(home, kept).path.read_bytes() == path.read_bytes()


def test_a_file_that_is_gone_is_told(home, client, tmp_path):
    kept = register(home, a_file(tmp_path, 5.5))
    client.delete_object(Bucket=BUCKET, Key=f"hotel/{kept.artifact[:2]}/{kept.artifact}")
    registry.servable(home, kept).path.unlink()
    with pytest.raises(NoArtifact, match="is not there"):
        registry.servable(home, kept)


def test_a_file_is_deleted_from_the_store_and_from_this_machine(home, client, tmp_path):
    kept = register(home, a_file(tmp_path, 9.5))
    assert registry.fetch(home, kept).is_file()
    assert artifact.is_kept(home, kept.artifact)
    artifact.delete(home, kept.artifact)
    artifact.delete(home, kept.artifact)  # what is gone stays gone
    assert not artifact.is_kept(home, kept.artifact)
    assert not [key for key in keys(client) if kept.artifact in key]
    with pytest.raises(NoArtifact):
        artifact.fetch(home, kept.artifact)
