"""The registry on both databases: what may go live, what is live, and the way back."""

import json
import zipfile

import pytest

from registry_home import DAY, NOW, a_file, a_home, passed
from watchkeeper.release import registry
from watchkeeper.release.answering import NothingToServe
from watchkeeper.release.artifact import WrongBytes
from watchkeeper.release.inputs import WrongInputs
from watchkeeper.release.overview import as_dict, overview
from watchkeeper.release.registry import (
    AlreadyLive,
    BadVersion,
    NoSuchVersion,
    NothingToRollBackTo,
    NotPassed,
    Overtaken,
    VersionExists,
)
from watchkeeper.runtime import Format, Refused
from watchkeeper.state import audit, deployment
from watchkeeper.watch.home import NoSuchModel


@pytest.fixture
def home(tmp_path, state_url):
    url = {} if state_url.startswith("sqlite") else {"state": state_url}
    with a_home(tmp_path / "home", **url) as made:
        yield made


@pytest.fixture
def plain(tmp_path):
    """A home for what is the same on each database."""
    with a_home(tmp_path / "home") as made:
        yield made


def register(home, path, now=NOW, **more):
    return registry.register(home, "hotel", path, now=now, who="ann", **more)


def many(home, tmp_path, count=3):
    """Versions v1 to v…, each of them passed."""
    path = a_file(tmp_path)
    for _ in range(count):
        passed(home, register(home, path).version)


def release(home, version, now=NOW, **more):
    return registry.release(home, "hotel", version, now=now, who="ann", **more)


def rollback(home, to=None, now=NOW):
    return registry.rollback(home, "hotel", to, why="bad", now=now, who="bob")


def now_live(home):
    return registry.live(home, "hotel").version


def test_a_file_is_registered_and_can_be_served(home, tmp_path):
    path = a_file(tmp_path)
    kept = register(home, path, lineage={"commit": "c0ffee"})
    assert (kept.version, kept.format, kept.file, kept.size) == ("v1", "onnx", path.name, path.stat().st_size)
    assert kept.detail["lineage"] == {"commit": "c0ffee"}
    served = registry.servable(home, registry.one(home, "hotel", "v1"))
    assert (served.format, served.inputs) == (Format.ONNX, ("nights", "price"))
    assert served.path.read_bytes() == path.read_bytes()
    assert registry.versions(home, "hotel") == [kept]


def test_nothing_goes_live_without_a_pass(home, tmp_path):
    register(home, a_file(tmp_path))
    with pytest.raises(NotPassed, match="was never gated"):
        release(home, "v1")
    for outcome in ("FAIL", "INCONCLUSIVE"):
        passed(home, "v1", "PASS")
        passed(home, "v1", outcome)
        with pytest.raises(NotPassed, match=f"the gate said {outcome}"):
            release(home, "v1")
    for reason in ("", "  "):
        with pytest.raises(NotPassed):
            release(home, "v1", force=reason)
    assert registry.live(home, "hotel") is None
    number = passed(home, "v1")
    done = release(home, "v1")
    assert (done.gate, done.action, now_live(home)) == (number, "release", "v1")


def test_a_forced_release_is_audited_with_its_reason(home, tmp_path):
    register(home, a_file(tmp_path))
    done = release(home, "v1", force=" the old one answers nothing ")
    assert (done.action, done.why) == ("force", "the old one answers nothing")
    assert audit.entries(home.store, "hotel")[0].what == "version live by force"


def test_rollbacks_go_back_one_by_one_and_never_to_what_was_rolled_back(home, tmp_path):
    many(home, tmp_path, 4)
    for version in ("v1", "v2", "v3", "v4"):
        release(home, version)
    assert [one.version for one in registry.earlier(home, "hotel")] == ["v3", "v2", "v1"]
    assert registry.previous(home, "hotel").version == "v3"
    assert [rollback(home).version for _ in range(3)] == ["v3", "v2", "v1"]
    with pytest.raises(NothingToRollBackTo, match="no version stands below v1"):
        rollback(home)
    assert rollback(home, "v4").version == "v4", "by name, any version that was live before"
    assert registry.previous(home, "hotel").version == "v1"


def test_a_rollback_by_name_needs_a_version_that_was_live(home, tmp_path):
    many(home, tmp_path, 3)
    with pytest.raises(NothingToRollBackTo, match="nothing of it was ever live"):
        rollback(home)
    release(home, "v1")
    release(home, "v2")
    with pytest.raises(NothingToRollBackTo, match="v3 of hotel was never live"):
        rollback(home, "v3")
    with pytest.raises(NothingToRollBackTo, match="v2 is what is live"):
        rollback(home, "v2")
    with pytest.raises(NoSuchVersion, match="'v1'"):
        rollback(home, "v11")
    assert now_live(home) == "v2"


def test_seven_earlier_versions_are_ready(plain, tmp_path):
    many(plain, tmp_path, 10)
    for number in range(1, 11):
        release(plain, f"v{number}")
    assert [one.version for one in registry.earlier(plain, "hotel")] == [f"v{n}" for n in range(9, 2, -1)]
    assert len(registry.earlier(plain, "hotel", 20)) == 9
    assert registry.earlier(plain, "hotel", 0) == []
    assert all(registry.servable(plain, one).path.is_file() for one in registry.earlier(plain, "hotel"))


def test_what_was_live_at_a_time_is_known(home, tmp_path):
    many(home, tmp_path, 2)
    release(home, "v1", now=NOW)
    release(home, "v2", now=NOW + DAY)
    rollback(home, now=NOW + 2 * DAY)
    at = [NOW - 1, NOW, NOW + DAY - 1, NOW + DAY, NOW + 2 * DAY]
    found = [registry.live(home, "hotel", when) for when in at]
    assert [one and one.version for one in found] == [None, "v1", "v1", "v2", "v1"]


def test_the_log_runs_forward_though_a_clock_runs_behind(home, tmp_path):
    many(home, tmp_path, 2)
    release(home, "v1", now=NOW)
    assert release(home, "v2", now=NOW - DAY).at == NOW
    assert registry.live(home, "hotel", NOW).version == "v2"


def test_of_two_people_at_once_one_wins_and_the_other_hears_who(home, tmp_path, monkeypatch):
    many(home, tmp_path, 3)
    release(home, "v1")
    rows = deployment.log(home.store, "hotel")
    registry.release(home, "hotel", "v2", now=NOW, who="bob")
    real = deployment.log
    answers = iter([rows])  # what ann read before bob's release was written
    monkeypatch.setattr(deployment, "log", lambda *given: next(answers, None) or real(*given))
    with pytest.raises(Overtaken, match="bob put v2 of hotel live at the same time"):
        release(home, "v3")
    assert now_live(home) == "v2"


def test_two_who_find_the_same_fault_go_back_once(home, tmp_path):
    many(home, tmp_path, 3)
    for version in ("v1", "v2", "v3"):
        release(home, version)
    registry.rollback(home, "hotel", of="v3", why="errors", now=NOW, who="gateway a")
    with pytest.raises(Overtaken, match=r"gateway a put v2 of hotel live .* so v3 was not rolled back"):
        registry.rollback(home, "hotel", of="v3", why="errors", now=NOW, who="gateway b")
    assert now_live(home) == "v2"


def test_what_is_live_is_not_released_again(plain, tmp_path):
    many(plain, tmp_path, 1)
    release(plain, "v1")
    with pytest.raises(AlreadyLive, match="v1 is what is live of hotel"):
        release(plain, "v1")
    assert len(deployment.log(plain.store, "hotel")) == 1


def test_an_unknown_version_or_model_is_told_with_what_is_near(plain, tmp_path):
    with pytest.raises(NoSuchVersion, match="None was registered yet"):
        registry.one(plain, "hotel", "v1")
    many(plain, tmp_path, 2)
    with pytest.raises(NoSuchVersion, match=r"no version 'V2'\. Did you mean 'v2'"):
        registry.one(plain, "hotel", "V2")
    with pytest.raises(NoSuchModel, match="hotel"):
        registry.one(plain, "hotle", "v1")


@pytest.mark.parametrize("name", ["", "..", "a/b", "-v1", "v 1", "unversioned", "x" * 101, "v1\n", "é"])
def test_a_name_that_could_be_taken_for_something_else_is_refused(plain, tmp_path, name):
    with pytest.raises(BadVersion, match="can't be called"):
        register(plain, a_file(tmp_path), version=name)


@pytest.mark.parametrize("name", ["2026-05-01", "1.2.0-3-gabc+x", "champion_2"])
def test_usual_names_of_versions_are_taken(plain, tmp_path, name):
    assert register(plain, a_file(tmp_path), version=name).version == name


def test_a_version_never_changes(plain, tmp_path):
    first = register(plain, a_file(tmp_path), version="a")
    with pytest.raises(VersionExists, match="versions never change"):
        register(plain, a_file(tmp_path, 2.0), version="a")
    assert registry.one(plain, "hotel", "a") == first


def test_inputs_are_those_that_the_file_names(plain, tmp_path):
    assert register(plain, a_file(tmp_path, inputs=["price", "nights"])).detail["inputs"] == ["price", "nights"]
    assert register(plain, a_file(tmp_path, width=1), inputs=["price"]).detail["inputs"] == ["price"]


def test_inputs_that_are_no_columns_are_refused_with_the_nearest(plain, tmp_path):
    with pytest.raises(WrongInputs, match=r"'nigths' is an input .* Did you mean 'nights'"):
        register(plain, a_file(tmp_path, inputs=["nigths", "price"]))
    with pytest.raises(WrongInputs, match="Did you mean 'price'"):
        register(plain, a_file(tmp_path), inputs=["nights", "prise"])
    assert registry.versions(plain, "hotel") == []


@pytest.mark.parametrize("column", ["cancelled", "cancels", "score"])
def test_what_nobody_knows_at_prediction_time_is_no_input(plain, tmp_path, column):
    with pytest.raises(WrongInputs, match="nobody knows it when a prediction is made"):
        register(plain, a_file(tmp_path, inputs=["nights", column]))


def test_a_file_that_takes_another_number_of_columns_is_refused(plain, tmp_path):
    with pytest.raises(WrongInputs, match="takes 3 columns, and hotel would give it 2: nights, price"):
        register(plain, a_file(tmp_path, width=3))
    with pytest.raises(WrongInputs, match="named twice"):
        register(plain, a_file(tmp_path), inputs=["nights", "nights"])
    with pytest.raises(WrongInputs, match="names its inputs itself"):
        register(plain, a_file(tmp_path, inputs=["price", "nights"]), inputs=["price"])


def test_an_estimator_without_names_of_columns_is_held_to_their_number(plain, tmp_path):
    import skops.io
    from sklearn.linear_model import LogisticRegression

    skops.io.dump(LogisticRegression().fit([[1, 2, 3], [3, 2, 2]], [0, 1]), tmp_path / "three.skops")
    with pytest.raises(WrongInputs, match=r"takes 3 columns, and hotel would give it 2: nights, price\..*--input"):
        register(plain, tmp_path / "three.skops")
    assert registry.versions(plain, "hotel") == []


def test_a_file_that_is_no_model_is_refused_and_nothing_is_kept(plain, tmp_path):
    (tmp_path / "model.pkl").write_bytes(b"\x80\x04\x95")
    with zipfile.ZipFile(tmp_path / "slip.skops", "w") as made:
        made.writestr("../../evil", "x")
    for name in ("model.pkl", "slip.skops", "absent.onnx"):
        with pytest.raises(Refused, match=f"{name} is refused"):
            register(plain, tmp_path / name)
    assert registry.versions(plain, "hotel") == []
    assert not (plain.folder / "artifacts").exists()


def test_a_file_name_is_only_words(plain, tmp_path):
    """Whatever a file is called, it is kept under its digest, in the folder of artefacts."""
    nasty = a_file(tmp_path).rename(tmp_path / "..;\x1b[2J$(x).onnx")
    kept = register(plain, nasty)
    assert kept.file == nasty.name
    assert registry.servable(plain, kept).path.name == kept.artifact


def test_a_function_of_the_users_is_a_version_until_its_code_changes(plain, tmp_path):
    code = tmp_path / "pipeline.py"
    code.write_text("def predict(columns):\n    return columns['price'] > 1\n")
    kept = register(plain, None, function=f"{code}:predict")
    served = registry.servable(plain, kept)
    assert (kept.format, served.function, served.path) == ("function", f"{code}:predict", None)
    code.write_text("def predict(columns):\n    return columns['price'] > 2\n")
    with pytest.raises(WrongBytes, match=r"pipeline\.py"):
        registry.servable(plain, kept)


def test_a_function_may_load_a_file_of_any_kind(plain, tmp_path):
    (tmp_path / "pipeline.py").write_text("def predict(columns, path): ...")
    (tmp_path / "weights.bin").write_bytes(b"\x80\x04 only the user's own code opens it")
    kept = register(plain, tmp_path / "weights.bin", function=f"{tmp_path}/pipeline.py:predict")
    served = registry.servable(plain, kept)
    assert (served.format, served.path.read_bytes()[:2]) == (Format.FUNCTION, b"\x80\x04")


def test_a_server_of_the_users_is_a_version(plain):
    kept = register(plain, None, url="http://10.0.0.7:8080/v2/models/hotel")
    assert registry.servable(plain, kept).url == "http://10.0.0.7:8080/v2/models/hotel"
    with pytest.raises(NothingToServe, match=r"neither protocol: end it with /v2/models/NAME/infer"):
        register(plain, None, url="http://10.0.0.7:8080")


@pytest.mark.parametrize(
    "url", ["ftp://x", "10.0.0.7:8080", "http://ann:pw@x/", "file:///etc/passwd", "http://", "http://x/v2/models/a b"]
)
def test_what_is_no_address_is_refused(plain, url):
    with pytest.raises(NothingToServe, match="no address of a server"):
        register(plain, None, url=url)


def test_a_version_is_one_thing_that_answers(plain, tmp_path):
    for given in ({}, {"file": a_file(tmp_path), "url": "http://x"}, {"url": "http://x", "function": "a.py:b"}):
        with pytest.raises(NothingToServe, match="name one of them"):
            register(plain, given.pop("file", None), **given)
    for function in ("pipeline", "absent.py:predict", f"{a_file(tmp_path)}:not a name"):
        with pytest.raises(NothingToServe, match=r"write pipeline\.py:predict"):
            register(plain, None, function=function)


def test_a_function_that_its_file_does_not_have_is_refused_with_the_nearest_and_none_is_run(plain, tmp_path):
    code = tmp_path / "pipeline.py"
    code.write_text("raise SystemExit\nfrom os import path as there\nif True:\n    def predict(rows): ...\n")
    with pytest.raises(NothingToServe, match=r"has no function 'predic'.*'predict'"):
        register(plain, None, function=f"{code}:predic")
    for name in ("predict", "there"):
        assert register(plain, None, function=f"{code}:{name}").format == "function"
    code.write_text("def predict(rows):")
    with pytest.raises(NothingToServe, match="is no Python"):
        register(plain, None, function=f"{code}:predict")
    code.write_text("from elsewhere import *")
    assert register(plain, None, function=f"{code}:predict").format == "function"


def test_the_overview_tells_how_stale_each_version_is(home, tmp_path):
    data = {"lineage": {"data": {"to": "2025-10-01T00:00:00Z"}}}  # NOW is 2025-10-09T08:53:20Z
    register(home, a_file(tmp_path), **data)
    register(home, a_file(tmp_path, 2.0), now=NOW + DAY)
    register(home, a_file(tmp_path, 3.0), now=NOW + DAY)
    release(home, "v1", force="first")
    passed(home, "v2", at=NOW + DAY)
    release(home, "v2", now=NOW + 2 * DAY)
    rollback(home, now=NOW + 3 * DAY)
    found = overview(home, "hotel", NOW + 5 * DAY)
    third, second, first = found.rows
    assert (first.back, first.live, first.live_since) == (0, 4 * 86_400, NOW + 3 * DAY)
    assert (first.age, first.data_age) == (5 * 86_400, 13 * 86_400 + 32_000)
    assert (second.back, second.live, second.verdict.outcome, second.data_age) == (None, 86_400, "PASS", None)
    assert (third.back, third.live, third.verdict) == (None, 0, None)
    assert found.live is first
    assert found.previous is None
    made = json.loads(json.dumps(as_dict(found), allow_nan=False))
    assert (made["live"], made["previous"], made["versions"][2]["data_age_s"]) == ("v1", None, 13 * 86_400 + 32_000)
    assert [row["action"] for row in made["deployments"]] == ["rollback", "release", "force"]
    assert made["deployments"][0]["at"] == "2025-10-12T08:53:20Z"
