from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import skops.io

import models
from models import COLUMNS, LABELS, ROWS, TABLE
from watchkeeper.runtime import (
    Allowed,
    CannotLoad,
    Crashed,
    Format,
    Servable,
    TimedOut,
    Worker,
    WrongAnswer,
    WrongInput,
)

FUNCTIONS = Allowed(functions=True)
PIPELINE = """
import os, sys, time
import numpy as np

def predict(rows):
    print("a stray line")
    sys.stdout.flush()
    os.write(1, b"and stray bytes")
    what = rows["what"][0]
    if what == "sleep":
        time.sleep(60)
    if what == "kill":
        os.kill(os.getpid(), 9)
    if what == "exit":
        os._exit(3)
    if what == "raise":
        raise KeyError("no such city")
    if what == "short":
        return np.zeros(len(rows["what"]) + 1)
    if what == "nan":
        return np.full(len(rows["what"]), np.nan)
    if what == "none":
        return [None] * len(rows["what"])
    if what == "nothing":
        return None
    if what == "improbable":
        return np.zeros(len(rows["what"])), np.full(len(rows["what"]), 1.5)
    if what == "allocate":
        return np.ones(1 << 28)[: len(rows["what"])]
    if what == "environment":
        return np.array([" ".join(sorted(os.environ))] * len(rows["what"]))
    if what == "standing":
        session = os.getsid(0) == os.getpid()
        return np.array([f"{session} {os.read(0, 1)}"] * len(rows["what"]))
    return rows["what"], np.full(len(rows["what"]), 0.25)

def table(rows):
    n = len(rows["age"])
    return {"prediction": rows["age"] > 0, "scores": np.full((n, 2), 0.5), "classes": [False, True]}

def with_model(rows, path):
    return np.full(len(rows["age"]), float(open(path).read()))

def types(rows):
    return np.array([f"{column.dtype}:{column[0]}" for column in rows.values()])[: len(rows["age"])]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    (folder / "pipeline.py").write_text(PIPELINE)
    (folder / "model.onnx").write_bytes(models.onnx_of(models.classifier(), options={"zipmap": False}))
    return folder


@pytest.fixture(scope="module")
def onnx(folder):
    with Worker(Servable(Format.ONNX, COLUMNS, folder / "model.onnx"), Allowed()) as worker:
        yield worker


def function(folder, name="predict", inputs=("what",), path=None):
    return Servable(Format.FUNCTION, inputs, path, f"{folder / 'pipeline.py'}:{name}")


@pytest.fixture(scope="module")
def pipeline(folder):
    with Worker(function(folder), FUNCTIONS) as worker:
        yield worker


def test_an_onnx_classifier_answers_as_scikit_learn_does(onnx):
    given = onnx.predict(ROWS, 10)
    model = models.classifier()
    assert (given.prediction == model.predict(TABLE)).all()
    assert np.allclose(given.scores, model.predict_proba(TABLE), atol=1e-6)
    assert given.classes == onnx.classes == (0, 1)
    assert np.allclose(given.score(1), model.predict_proba(TABLE)[:, 1], atol=1e-6)
    assert onnx.outputs == ("label", "probabilities")


def test_columns_may_come_as_lists_in_any_order_and_with_more_than_the_model_takes(onnx):
    whole = onnx.predict(ROWS, 10)
    rows = {"city": ["Ås"], **{name: [float(ROWS[name][3])] for name in reversed(COLUMNS)}}
    assert onnx.predict(rows, 10).scores == pytest.approx(whole.scores[3:4])


def test_a_missing_column_and_columns_of_different_length_are_named(onnx):
    with pytest.raises(WrongInput, match="takes price"):
        onnx.predict({name: column for name, column in ROWS.items() if name != "price"}, 10)
    with pytest.raises(WrongInput, match="age 400, nights 400, price 400, lead 1"):
        onnx.predict({**ROWS, "lead": [1.0]}, 10)


def test_a_text_where_a_number_is_due_names_the_column_and_the_process_lives_on(onnx):
    rows = {name: [1.0] for name in COLUMNS}
    with pytest.raises(WrongInput, match="price"):
        onnx.predict({**rows, "price": ["cheap"]}, 10)
    assert onnx.predict(rows, 10).prediction.shape == (1,)


def test_no_rows_are_answered_by_no_answers(onnx):
    assert onnx.predict({name: np.empty(0) for name in COLUMNS}, 10).prediction.shape == (0,)


def test_more_rows_than_travel_at_once_are_answered_in_their_order(onnx):
    times = 200
    rows = {name: np.tile(column, times) for name, column in ROWS.items()}
    given = onnx.predict(rows, 30)
    assert len(given.prediction) == 400 * times
    assert (given.prediction == np.tile(onnx.predict(ROWS, 10).prediction, times)).all()


def test_a_model_of_one_input_a_column_takes_numbers_and_texts_and_its_maps_of_probabilities_are_read(tmp_path):
    content, model, table = models.mixed_onnx()
    (tmp_path / "mixed.onnx").write_bytes(content)
    inputs = ("city", *COLUMNS)
    with Worker(Servable(Format.ONNX, inputs, tmp_path / "mixed.onnx"), Allowed()) as worker:
        given = worker.predict({**ROWS, "city": models.CITIES}, 10)
        assert np.allclose(given.scores, model.predict_proba(table), atol=1e-5)
        assert given.classes == (0, 1)
        with pytest.raises(WrongInput, match="city: takes texts, but one of the values is missing"):
            worker.predict({**{name: [1.0] for name in COLUMNS}, "city": [None]}, 10)
        nan = worker.predict({**{name: [1.0] for name in COLUMNS}, "city": ["Ås"]}, 10)
        assert nan.prediction.shape == (1,)


@pytest.mark.parametrize("labels", [np.array(["no", "yes"])[LABELS], LABELS + 5])
@pytest.mark.parametrize("zipmap", [True, False])
def test_classes_that_are_texts_or_other_numbers_keep_their_names(tmp_path, labels, zipmap):
    model = models.classifier(labels)
    (tmp_path / "m.onnx").write_bytes(models.onnx_of(model, options={"zipmap": zipmap}))
    with Worker(Servable(Format.ONNX, COLUMNS, tmp_path / "m.onnx"), Allowed()) as worker:
        given = worker.predict(ROWS, 10)
    assert given.classes == tuple(model.classes_.tolist())
    assert given.prediction.tolist() == model.predict(TABLE).tolist()
    assert np.allclose(given.scores, model.predict_proba(TABLE), atol=1e-6)


def test_a_regression_gives_one_value_a_row(tmp_path):
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit(TABLE, TABLE @ [1.0, 2, 3, 4])
    (tmp_path / "m.onnx").write_bytes(models.onnx_of(model))
    with Worker(Servable(Format.ONNX, COLUMNS, tmp_path / "m.onnx"), Allowed()) as worker:
        given = worker.predict(ROWS, 10)
    assert np.allclose(given.prediction, model.predict(TABLE), atol=1e-4)
    assert given.scores is None


def test_an_estimator_of_skops_is_fed_the_data_frame_that_it_was_trained_on(tmp_path):
    model, table = models.mixed()
    skops.io.dump(model, tmp_path / "m.skops")
    servable = Servable(Format.SKOPS, tuple(table.columns), tmp_path / "m.skops")
    older = "sklearn.compose._column_transformer._RemainderColsList"  # before scikit-learn 1.9 a list was of this type
    with Worker(servable, Allowed(skops_types=[older]), load_seconds=120) as worker:
        given = worker.predict({**ROWS, "city": models.CITIES}, 20)
        assert worker.classes == (0, 1)
    assert np.allclose(given.scores, model.predict_proba(table), atol=1e-6)
    assert (given.prediction == model.predict(table)).all()


def test_skops_refuses_unlisted_types_in_the_process_too_and_makes_listed_ones(tmp_path):
    from sklearn.tree import DecisionTreeClassifier

    model = DecisionTreeClassifier(max_depth=3, random_state=1).fit(TABLE, LABELS)
    skops.io.dump(model, tmp_path / "m.skops")
    servable = Servable(Format.SKOPS, COLUMNS, tmp_path / "m.skops")
    with pytest.raises(CannotLoad, match=r"sklearn\.tree\._tree\.Tree.*skops_types.*config\.yaml"):
        Worker(servable, Allowed(), load_seconds=120)
    with Worker(servable, Allowed(skops_types=["sklearn.tree._tree.Tree"]), load_seconds=120) as worker:
        assert (worker.predict(ROWS, 20).prediction == model.predict(TABLE)).all()


def test_a_model_whose_own_code_is_not_found_says_where_it_has_to_be(tmp_path, monkeypatch):
    (tmp_path / "far_away.py").write_text(
        "class Constant:\n    def predict(self, table):\n        return table[:, 0]\n"
    )
    with monkeypatch.context() as here:
        here.syspath_prepend(tmp_path)
        import far_away

        skops.io.dump(far_away.Constant(), tmp_path / "m.skops")
    servable = Servable(Format.SKOPS, COLUMNS, tmp_path / "m.skops")
    with pytest.raises(CannotLoad, match=r"No module named 'far_away'.*installed.*\$PYTHONPATH"):
        Worker(servable, Allowed(skops_types=["far_away.Constant"]), load_seconds=120)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    with Worker(servable, Allowed(skops_types=["far_away.Constant"]), load_seconds=120) as worker:
        assert (worker.predict(ROWS, 20).prediction == TABLE[:, 0]).all()


def test_a_function_answers_only_where_the_operator_allowed_functions(folder):
    with pytest.raises(CannotLoad, match=r"functions: true"):
        Worker(function(folder), Allowed())


def test_a_function_may_be_named_from_here_and_finds_what_lies_beside_it(folder, monkeypatch):
    (folder / "weights.txt").write_text("2.5")
    (folder / "beside.py").write_text(
        "import numpy as np\ndef predict(rows):\n    return rows['age'] * float(open('weights.txt').read())\n"
    )
    monkeypatch.chdir(folder.parent)
    named = Servable(Format.FUNCTION, ("age",), None, f"{folder.name}/beside.py:predict")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([*os.environ.get("PYTHONPATH", "").split(os.pathsep), ""]))
    with Worker(named, FUNCTIONS) as worker:
        assert worker.predict({"age": [2.0]}, 10).prediction.tolist() == [5.0]


def test_what_a_function_prints_does_not_disturb_its_answers(pipeline):
    given = pipeline.predict({"what": ["a", "b"]}, 10)
    assert given.prediction.tolist() == ["a", "b"]
    assert given.scores.tolist() == [[0.75, 0.25]] * 2
    assert given.score("any").tolist() == [0.25, 0.25]


def test_a_function_may_give_a_mapping_with_classes_and_be_given_a_model(folder, tmp_path):
    with Worker(function(folder, "table", COLUMNS), FUNCTIONS) as worker:
        given = worker.predict(ROWS, 10)
    assert given.classes == (False, True)
    assert given.scores.shape == (400, 2)
    (tmp_path / "weight.txt").write_text("2.5")
    with Worker(function(folder, "with_model", ("age",), tmp_path / "weight.txt"), FUNCTIONS) as worker:
        assert worker.predict({"age": [1.0]}, 10).prediction.tolist() == [2.5]


def test_a_function_sees_numbers_as_arrays_and_what_is_missing_as_nan_or_none(folder):
    inputs = ("age", "count", "yes", "city")
    rows = {"age": [None, 1.5], "count": [3, 4], "yes": [True, False], "city": [None, "Ås"]}
    with Worker(function(folder, "types", inputs), FUNCTIONS) as worker:
        with pytest.raises(WrongAnswer):
            worker.predict({name: [column[0]] * 5 for name, column in rows.items()}, 10)
        given = worker.predict({name: [column[0]] * 4 for name, column in rows.items()}, 10)
    assert given.prediction.tolist() == ["object:None", "int64:3", "bool:True", "object:None"]


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("raise", "KeyError: 'no such city'"),
        ("short", "shape"),
        ("nan", "nan"),
        ("none", "neither a number"),
        ("nothing", "neither a prediction nor scores"),
        ("improbable", "1.5 as a probability"),
    ],
)
def test_what_a_model_raises_or_answers_wrongly_is_said_and_the_process_lives_on(pipeline, what, said):
    with pytest.raises(WrongAnswer, match=said):
        pipeline.predict({"what": [what]}, 10)
    assert pipeline.predict({"what": ["fine"]}, 10).prediction.tolist() == ["fine"]


def test_no_secret_of_the_owner_is_in_the_environment_of_the_process(folder, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    monkeypatch.setenv("WATCHKEEPER_TOKEN", "wk_hidden")
    with Worker(function(folder), FUNCTIONS) as worker:
        names = worker.predict({"what": ["environment"]}, 10).prediction[0].split()
        assert worker.predict({"what": ["standing"]}, 10).prediction[0] == "True b''"
    assert "PATH" in names
    assert not {"AWS_SECRET_ACCESS_KEY", "WATCHKEEPER_TOKEN"} & set(names)


@pytest.mark.parametrize(("what", "said"), [("kill", "killed by signal 9"), ("exit", "exit code 3")])
def test_a_process_that_dies_in_a_call_is_crashed_and_stays_so(folder, what, said):
    with Worker(function(folder), FUNCTIONS) as worker:
        with pytest.raises(Crashed, match=said):
            worker.predict({"what": [what]}, 10)
        with pytest.raises(Crashed):
            worker.predict({"what": ["fine"]}, 10)
        assert not worker.alive


def test_a_call_that_takes_too_long_is_timed_out_and_close_ends_the_process(folder):
    worker = Worker(function(folder), FUNCTIONS)
    with pytest.raises(TimedOut):
        worker.predict({"what": ["sleep"]}, 0.1)
    with pytest.raises(TimedOut):
        worker.check(0.1)
    assert worker.alive
    worker.close(0)
    assert not worker.alive


def test_late_answers_to_calls_that_nobody_waits_for_are_not_taken_for_others(folder, tmp_path):
    (tmp_path / "slow.py").write_text(
        "import time\ndef predict(rows):\n    time.sleep(rows['age'][0])\n    return rows['age']\n"
    )
    with Worker(Servable(Format.FUNCTION, ("age",), None, f"{tmp_path / 'slow.py'}:predict"), FUNCTIONS) as worker:
        with pytest.raises(TimedOut):
            worker.predict({"age": [0.4]}, 0.05)
        assert worker.predict({"age": [0.0]}, 10).prediction.tolist() == [0.0]


def test_more_memory_than_allowed_is_an_error_of_the_model_and_not_of_the_machine(folder):
    few = Worker(function(folder), FUNCTIONS, memory_bytes=768 << 20)
    with few as worker, pytest.raises(WrongAnswer, match="Memory"):
        worker.predict({"what": ["allocate"]}, 30)


def test_what_can_not_be_loaded_says_why(folder, tmp_path):
    (tmp_path / "damaged.onnx").write_bytes((folder / "model.onnx").read_bytes()[:-40])
    with pytest.raises(CannotLoad, match="can't be loaded"):
        Worker(Servable(Format.ONNX, COLUMNS, tmp_path / "damaged.onnx"), Allowed())
    with pytest.raises(CannotLoad, match="takes 4 columns at once, but 3"):
        Worker(Servable(Format.ONNX, COLUMNS[:3], folder / "model.onnx"), Allowed())
    (tmp_path / "broken.py").write_text("raise RuntimeError('no weights')")
    with pytest.raises(CannotLoad, match="RuntimeError: no weights"):
        Worker(Servable(Format.FUNCTION, COLUMNS, None, f"{tmp_path / 'broken.py'}:predict"), FUNCTIONS)
    (tmp_path / "dying.py").write_text("import os; os._exit(7)")
    with pytest.raises(CannotLoad, match="exit code 7"):
        Worker(Servable(Format.FUNCTION, COLUMNS, None, f"{tmp_path / 'dying.py'}:predict"), FUNCTIONS)
    (tmp_path / "slow.py").write_text("import time; time.sleep(60)")
    with pytest.raises(CannotLoad, match="not loaded within 1 seconds"):
        Worker(Servable(Format.FUNCTION, COLUMNS, None, f"{tmp_path / 'slow.py'}:predict"), FUNCTIONS, load_seconds=1)
    with pytest.raises(CannotLoad, match=r"has no function rank"):
        Worker(function(folder, "rank"), FUNCTIONS)


def test_several_threads_get_their_own_answers(onnx):
    whole = onnx.predict(ROWS, 10).scores[:, 1]
    wrong = []

    def ask(start):
        for row in range(start, 400, 8):
            given = onnx.predict({name: [float(ROWS[name][row])] for name in COLUMNS}, 30)
            if abs(given.scores[0, 1] - whole[row]) > 1e-6:
                wrong.append(row)

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_process_ends_when_its_owner_is_killed_even_in_the_middle_of_a_call(folder):
    program = f"""
from watchkeeper.runtime import *
worker = Worker(Servable(Format.FUNCTION, ("what",), None, "{folder / "pipeline.py"}:predict"), Allowed(functions=True))
print(worker.pid, flush=True)
worker.predict({{"what": ["sleep"]}})
"""
    owner = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    pid = int(owner.stdout.readline())
    time.sleep(0.3)
    assert Path(f"/proc/{pid}").exists()
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    assert ends(pid)


def ends(pid):
    """Whether a process ends within some seconds; one that is dead but not yet collected has ended."""
    for _ in range(200):
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_memory_and_liveness_are_told(onnx):
    assert onnx.alive
    assert onnx.pid != os.getpid()
    assert 10 << 20 < onnx.memory_bytes < 2 << 30
    onnx.check(10)
