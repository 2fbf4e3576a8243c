"""`register`, `release`, `rollback`, `versions` and `live`, as a user calls them."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

import watchkeeper as wk
from registry_home import DAY, NOW, a_file, a_home, passed
from watchkeeper.cli import main
from watchkeeper.release import registry
from watchkeeper.release.python import NotAModel
from watchkeeper.runtime import Refused
from watchkeeper.watch.home import opened


@pytest.fixture
def home(tmp_path, monkeypatch):
    with a_home(tmp_path / "home"):
        pass
    monkeypatch.setenv("WATCHKEEPER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def run(capsys):
    """Calls the program: exit code, standard output, standard error."""

    def call(*arguments):
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.err + said.out
        return left.value.code, said.out, said.err

    return call


def two_released(home, tmp_path):
    with opened(home) as at:
        for number, weight in enumerate((1.0, 2.0)):
            path = a_file(tmp_path, weight)
            kept = registry.register(at, "hotel", path, now=NOW + number * DAY, who="ann")
            passed(at, kept.version)
            registry.release(at, "hotel", kept.version, now=NOW + number * DAY, who="ann")


def test_a_version_is_registered_refused_forced_and_rolled_back(home, run, tmp_path):
    code, out, _ = run("register", "hotel", a_file(tmp_path))
    assert (code, out.startswith("v1 of hotel is registered: model-1.0.onnx")) == (0, True)
    assert "It takes 2 columns: nights and price." in out
    code, out, err = run("release", "hotel", "v1")
    assert (code, out) == (1, "")
    assert "was never gated" in err
    assert "--force" in err
    code, out, _ = run("release", "hotel", "v1", "--force", "nothing else answers")
    assert (code, out) == (0, "v1 of hotel is live, forced: nothing else answers.\n")
    code, _, err = run("rollback", "hotel")
    assert (code, "no version stands below v1" in err) == (2, True)


def test_a_rollback_says_what_is_live_and_how_long_it_took(home, run, tmp_path):
    two_released(home, tmp_path)
    code, out, _ = run("rollback", "hotel", "--why", "reads the old tariff")
    assert code == 0
    assert "v1 of hotel is live again instead of v2, after " in out
    assert "There is nothing further back." in out
    assert json.loads(run("live", "hotel", "--json")[1])["why"] == "reads the old tariff"


def test_what_was_live_at_a_time_is_the_only_word_on_standard_output(home, run, tmp_path):
    assert run("live", "hotel")[:2] == (0, "")
    two_released(home, tmp_path)
    assert run("live", "hotel")[:2] == (0, "v2\n")
    assert run("live", "hotel", "--at", "2025-10-10T08:00Z")[:2] == (0, "v1\n")
    code, out, err = run("live", "hotel", "--at", "2025-10-09")
    assert (code, out, err) == (0, "", "No version of hotel was live then.\n")
    assert run("live", "hotel", "--at", "2025-10-09", "--json")[1] == "null\n"
    assert run("live", "hotel", "--at", "yesterday")[0] == 2


def test_versions_are_listed_with_their_age_and_their_place(home, run, tmp_path):
    assert "has no version yet" in run("versions", "hotel")[1]
    two_released(home, tmp_path)
    code, out, _ = run("versions", "hotel")
    lines = out.splitlines()
    assert code == 0
    assert lines[1].split()[:3] == ["v2", "live", "PASS"]
    assert lines[2].split()[:3] == ["v1", "previous", "PASS"]
    assert any("v2 live by release, ann: the gate said PASS" in line for line in lines)
    found = json.loads(run("versions", "hotel", "--json")[1])
    assert (found["live"], found["previous"], len(found["deployments"])) == ("v2", "v1", 2)


def test_versions_fit_a_screen_and_what_is_to_be_copied_is_never_cut(home, run, tmp_path, monkeypatch):
    long, longest, who = "v4+nightly.20251122.0300", "x" * 100, "somebody.with.a.long.name@example.org"
    file = a_file(tmp_path).rename(tmp_path / "a-rather-long-name-of-the-file-of-a-model.onnx")
    lineage = {"data": {"to": "2025-03-01T00:00:00Z"}}
    with opened(home) as at:
        for number, version in enumerate(("v1", "v2", long)):
            registry.register(at, "hotel", file, version=version, lineage=lineage, now=NOW, who=who)
            passed(at, version, "PASS" if number != 1 else "INCONCLUSIVE")
            registry.release(at, "hotel", version, force="a long story " * 9, now=NOW, who=who)
    for width in (80, 110, 200):
        monkeypatch.setenv("COLUMNS", str(width))
        lines = run("versions", "hotel")[1].splitlines()
        assert max(map(len, lines)) <= width
        assert [line.split()[0] for line in lines[:4]] == ["version", long, "v2", "v1"]
        assert ("by" in lines[0].split()) == (width == 200)
        assert (file.name in lines[1]) == (width == 200)
    assert "a long story a long story" in " ".join(lines)
    monkeypatch.setenv("COLUMNS", "80")
    with opened(home) as at:
        registry.register(at, "hotel", file, version=longest, now=NOW, who=who)
    assert run("versions", "hotel")[1].splitlines()[1].startswith(f"{longest} ")


def test_names_from_outside_can_not_steer_a_terminal(home, run, tmp_path):
    path = a_file(tmp_path).rename(tmp_path / "\x1b[2Jm.onnx")
    _, out, _ = run("register", "hotel", path)
    _, forced, _ = run("release", "hotel", "v1", "--force", "\x1b[31mred")
    _, listed, _ = run("versions", "hotel")
    assert "\x1b" not in out + forced + listed


def test_a_model_or_a_version_that_is_not_there_is_told_with_what_is_near(home, run, tmp_path):
    assert "hotel" in run("versions", "hotle")[2]
    two_released(home, tmp_path)
    code, _, err = run("release", "hotel", "v22")
    assert (code, "Did you mean 'v2'" in err) == (2, True)


def test_registering_from_mlflow_asks_for_the_server_and_for_nothing_else(home, run, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    code, _, err = run("register", "hotel", "--from-mlflow", "models:/hotel/3")
    assert (code, "--tracking-uri" in err) == (2, True)
    more = ("--from-mlflow", "models:/hotel/3", "--tracking-uri", "http://127.0.0.1:9")
    assert "leave FILE" in run("register", "hotel", a_file(tmp_path), *more)[2]


def test_an_estimator_is_registered_in_the_script_that_trains_it(home, tmp_path):
    rows = pd.DataFrame({"price": [1.0, 2.0, 3.0, 4.0], "nights": [1, 2, 1, 2]})
    fitted = LogisticRegression(C=0.25).fit(rows, [0, 0, 1, 1])
    kept = wk.register("hotel", fitted, metrics={"roc_auc": np.float64(0.75)})
    assert (kept.version, kept.format, kept.file) == ("v1", "skops", "hotel.skops")
    assert kept.detail["inputs"] == ["price", "nights"]
    assert kept.detail["lineage"]["parameters"]["C"] == 0.25
    assert kept.detail["lineage"]["metrics"] == {"roc_auc": 0.75}
    assert wk.live("hotel") is None
    assert wk.release("hotel", "v1", force="first").version == "v1"
    assert wk.live("hotel").version == "v1"
    assert [one.version for one in wk.versions("hotel", home=home)] == ["v1"]
    wk.register("hotel", fitted)
    wk.release("hotel", "v2", force="second")
    assert wk.rollback("hotel", why="worse").version == "v1"


def test_code_and_servers_that_may_not_answer_yet_are_told_when_they_are_registered(home, run, tmp_path):
    (tmp_path / "pipeline.py").write_text("def predict(rows): ...")
    function = ("--function", tmp_path / "pipeline.py:predict")
    url = ("--url", "http://10.0.0.7:8080/v2/models/hotel")
    for given, said in ((function, "`functions: true`"), (url, "`serving: hosts:`")):
        code, out, _ = run("register", "hotel", *given)
        assert (code, said in out) == (0, True)
        assert out.splitlines()[-1].startswith("Next: ")
    (home / "config.yaml").write_text("serving:\n  functions: true\n  hosts: [10.0.0.7]\n")
    for given in (function, url):
        assert "Before it answers" not in run("register", "hotel", *given)[1]


def test_what_is_no_model_is_refused_in_words(home):
    for given, words in ((LogisticRegression(), "is not fitted yet"), ({"a": 1}, "a dict can't be registered")):
        with pytest.raises(NotAModel, match=words):
            wk.register("hotel", given)


def test_an_estimator_whose_types_are_not_listed_is_refused_by_its_own_name(home, run, tmp_path):
    rows = pd.DataFrame({"price": [1.0, 2.0, 3.0, 4.0], "nights": [1, 2, 1, 2]})
    with pytest.raises(Refused, match=r"^this DecisionTreeClassifier is refused.*skops_types"):
        wk.register("hotel", DecisionTreeClassifier().fit(rows, [0, 0, 1, 1]))
    skops.io.dump(DecisionTreeClassifier().fit(rows, [0, 0, 1, 1]), tmp_path / "tree.skops")
    code, _, err = run("register", "hotel", tmp_path / "tree.skops")
    assert (code, err.partition("\n\n")[2]) == (2, "serving:\n  skops_types:\n    - sklearn.tree._tree.Tree\n")
    few = LogisticRegression().fit(rows[["price"]], [0, 0, 1, 1])
    assert len(repr(wk.register("hotel", few))) < 300


def test_an_onnx_model_in_memory_is_registered(home, tmp_path):
    import onnx

    kept = wk.register("hotel", onnx.load(a_file(tmp_path)), data_from="2026-01-01", data_to="2026-02-01")
    assert (kept.format, kept.file) == ("onnx", "hotel.onnx")
    assert kept.detail["lineage"]["data"]["to"] == "2026-02-01T00:00:00Z"


def test_the_package_that_shares_its_name_with_the_function_can_be_called_before_and_after_it_is_imported():
    for first in ("import watchkeeper as wk", "import watchkeeper.release.registry, watchkeeper as wk"):
        called = "wk.release('hotel', 'v1', home='/absent')"
        code = f"{first}\ntry:\n    {called}\nexcept wk.WatchkeeperError as told:\n    print(told)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert "/absent" in done.stdout, done.stderr
