"""The config of a home: read, filled from the environment, and corrected in words."""

from __future__ import annotations

import pytest

from watchkeeper.model import Config, Intake, ModelError, load_config


def written(home, text):
    (home / "config.yaml").write_text(text, encoding="utf-8")
    return home


def test_without_a_file_everything_is_in_the_home(tmp_path):
    assert load_config(tmp_path) == Config()
    assert load_config(written(tmp_path, "# nothing yet\n")) == Config()


def test_what_is_written_is_read(tmp_path):
    text = """
state: postgresql://me@db/state
lake: s3://bucket/prefix
storage:
  AWS_ENDPOINT_URL: http://127.0.0.1:9000
  AWS_ALLOW_HTTP: true
  timeout: 30
limits:
  body_bytes: 1000
"""
    assert load_config(written(tmp_path, text)) == Config(
        state="postgresql://me@db/state",
        lake="s3://bucket/prefix",
        storage={"AWS_ENDPOINT_URL": "http://127.0.0.1:9000", "AWS_ALLOW_HTTP": "true", "timeout": "30"},
        limits=Intake(body_bytes=1000),
    )


def test_secrets_may_come_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("PASSWORD", "a: b ${PORT} 'c'")
    monkeypatch.setenv("PORT", "5433")
    text = "state: postgresql://me:${PASSWORD}@db:${PORT}/state\nstorage: {AWS_SECRET_ACCESS_KEY: '${PASSWORD}'}\n"
    config = load_config(written(tmp_path, text))
    assert config.state == "postgresql://me:a: b ${PORT} 'c'@db:5433/state"
    assert config.storage == {"AWS_SECRET_ACCESS_KEY": "a: b ${PORT} 'c'"}


def test_limits_may_come_from_the_environment_too(tmp_path, monkeypatch):
    monkeypatch.setenv("MOST", "77")
    assert load_config(written(tmp_path, "limits: {connections: '${MOST}'}")).limits.connections == 77


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("stat: x", r"config.yaml, line 1: stat is no field of config.yaml. Did you mean 'state'\?"),
        ("\nlimits:\n  body: 3", r"line 3: limits.body is no field of `limits`. .*body_bytes"),
        ("state: ${NO_SUCH_VARIABLE}", r"line 1: state: the environment has no variable 'NO_SUCH_VARIABLE'"),
        ("storage:\n  key: ${NO_SUCH_VARIABLE}", r"line 2: storage.key: the environment has no variable"),
        ("limits: {body_bytes: lots}", "line 1: limits.body_bytes can't be 'lots': write a whole number"),
        ("limits: {body_bytes: 0}", "limits.body_bytes can't be 0"),
        ("serving:\n  skop_types: [a]", "line 2: serving.skop_types is no field of `serving`. .*skops_types"),
        ("serving: {memory_bytes: 5}", "serving.memory_bytes can't be 5"),
        ("storage: [a, b]", "line 1: storage can't be .*write indented lines"),
        ("storage: {a: [b]}", r"storage.a can't be .*write a text"),
        ("just a text", "write lines of the form `field: value`. Known are state, lake, storage, keep_days, limits"),
        ("state: a\nstate: b", "line 2: state stands here a second time"),
        ("state: [", "this is no YAML"),
    ],
)
def test_a_mistake_names_the_file_the_line_and_the_field(tmp_path, text, wanted):
    with pytest.raises(ModelError, match=wanted):
        load_config(written(tmp_path, text))


def test_nothing_may_be_served_that_is_not_listed(tmp_path):
    assert not load_config(tmp_path).serving.functions
    serving = load_config(written(tmp_path, "serving: {functions: true, hosts: [m.example.com]}")).serving
    assert serving.functions
    assert serving.hosts == ["m.example.com"]
    assert serving.skops_types == []


def test_all_mistakes_are_told_at_once(tmp_path):
    with pytest.raises(ModelError) as told:
        load_config(written(tmp_path, "stat: x\nlake: ${NO_SUCH_VARIABLE}\nlimits: {body_bytes: lots}"))
    assert [line.partition(": ")[0][-6:] for line in str(told.value).splitlines()] == ["line 1", "line 2", "line 3"]


def test_no_mistake_shows_what_a_variable_holds(tmp_path, monkeypatch):
    monkeypatch.setenv("PASSWORD", "secret")
    text = "state: ${PASSWORD}\nlake: 3\nstorage: {a: '${PASSWORD}', b: [c]}\nmore: ${PASSWORD}"
    with pytest.raises(ModelError) as told:
        load_config(written(tmp_path, text))
    assert "secret" not in str(told.value)
