from __future__ import annotations

import contextlib
import hashlib
import io
import os
import random
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from onnx import TensorProto, helper
from sklearn.linear_model import LogisticRegression

import hostile
import models
from hostile import column, declared, external, graph, rezipped
from watchkeeper.runtime import Allowed, Format, Refused, examine

MIB = 1 << 20
SMALL = Allowed(file_bytes=8 * MIB)


@pytest.fixture(scope="module")
def linear():
    """A skops file that is fine."""
    import pandas as pd

    table = pd.DataFrame({name: values.astype(float) for name, values in models.ROWS.items()})
    return hostile.skops_of(LogisticRegression().fit(table, models.LABELS))


def kept(tmp_path, content, name="model.bin"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


def refused(tmp_path, content, said, allowed=SMALL):
    with pytest.raises(Refused, match=said) as error:
        examine(kept(tmp_path, content), allowed)
    assert "model.bin is refused. " in str(error.value)
    assert len(str(error.value)) < 700


def test_an_onnx_file_is_known_by_its_content_whatever_its_name(tmp_path):
    content = hostile.classifier_onnx()
    facts = examine(kept(tmp_path, content, "model.pkl"), Allowed())
    assert facts.format is Format.ONNX
    assert facts.inputs is None
    assert facts.width == 4
    assert facts.outputs == ("label", "probabilities")
    assert facts.size == len(content)
    assert facts.sha256 == hashlib.sha256(content).hexdigest()


def test_a_model_of_one_input_a_column_names_its_columns(tmp_path):
    content, _, _ = models.mixed_onnx()
    facts = examine(kept(tmp_path, content), Allowed())
    assert facts.inputs == (*models.COLUMNS, "city")
    assert facts.outputs == ("output_label", "output_probability")


def test_what_older_exporters_list_among_the_inputs_but_bring_themselves_is_no_column(tmp_path):
    weight = helper.make_tensor("w", TensorProto.FLOAT, [1], [2.0])
    nodes = [helper.make_node("Mul", ["age", "w"], ["Y"])]
    content = graph(nodes=nodes, inputs=[column("age"), column("w", shape=(1,))], initializer=[weight])
    assert examine(kept(tmp_path, content), Allowed()).inputs == ("age",)


def test_a_skops_file_names_the_columns_of_its_training(tmp_path, linear):
    facts = examine(kept(tmp_path, linear), Allowed())
    assert facts.format is Format.SKOPS
    assert facts.inputs == models.COLUMNS


def test_a_skops_file_tells_how_many_columns_it_was_trained_on_as_scikit_learn_does(tmp_path):
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.decomposition import PCA
    from sklearn.ensemble import VotingClassifier
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import FeatureUnion, make_pipeline
    from sklearn.preprocessing import StandardScaler

    reduced = make_pipeline(StandardScaler(), PCA(2), LogisticRegression())
    joined = make_pipeline(FeatureUnion([("a", PCA(1)), ("b", StandardScaler())]), LogisticRegression())
    estimators = (
        LogisticRegression(),
        reduced,
        make_pipeline(reduced),
        joined,
        VotingClassifier([("a", reduced), ("b", LogisticRegression())]),
        CalibratedClassifierCV(reduced, cv=2),
        TransformedTargetRegressor(make_pipeline(PCA(3), LinearRegression())),
        GridSearchCV(reduced, {"pca__n_components": [1, 2]}, cv=2),
    )
    for estimator in estimators:
        fitted = estimator.fit(models.TABLE, models.LABELS)
        assert width_of(tmp_path, fitted) == fitted.n_features_in_ == 4, estimator
    unknown = make_pipeline("passthrough", PCA(2), LogisticRegression()).fit(models.TABLE, models.LABELS)
    assert width_of(tmp_path, unknown) is None  # what a first step would make of the columns, nobody knows


def width_of(tmp_path, fitted):
    """What a skops file tells of its columns, whatever types it holds."""
    from watchkeeper.runtime import skops_file

    path = kept(tmp_path, hostile.skops_of(fitted))
    with path.open("rb") as file:
        return skops_file.describe(file, path.stat().st_size, 8 * MIB, ()).width


def test_skops_types_beyond_scikit_learns_own_must_be_listed(tmp_path):
    from sklearn.tree import DecisionTreeClassifier

    content = hostile.skops_of(DecisionTreeClassifier(max_depth=2).fit(models.TABLE, models.LABELS))
    refused(tmp_path, content, r"sklearn\.tree\._tree\.Tree.*skops_types")
    facts = examine(kept(tmp_path, content), Allowed(skops_types=["sklearn.tree._tree.Tree"]))
    assert (facts.inputs, facts.width) == (None, 4)


@pytest.mark.parametrize("name", ["Forest", "Boosting", "Histogram"])
def test_the_lines_that_a_refusal_prints_let_the_file_in_once_they_are_pasted(tmp_path, name, monkeypatch):
    from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.pipeline import make_pipeline

    from watchkeeper.model.config import load_config

    (tmp_path / "my_types.py").write_text(MY_TYPES)
    monkeypatch.syspath_prepend(tmp_path)
    import my_types

    made = {
        "Forest": RandomForestClassifier(2),
        "Boosting": GradientBoostingClassifier(n_estimators=2),
        "Histogram": HistGradientBoostingClassifier(max_iter=2),
    }
    fitted = make_pipeline(my_types.Clip(), made[name]).fit(models.TABLE, models.LABELS)
    path = kept(tmp_path, hostile.skops_of(fitted))
    before = "serving:\n  skops_types:\n    - others.Kept\n"
    (tmp_path / "config.yaml").write_text(before)
    with pytest.raises(Refused, match=r"my_types: code.*PYTHONPATH") as refusal:
        examine(path, load_config(tmp_path).serving)
    lines = str(refusal.value).partition("\n\n")[2]
    assert lines.startswith(before)
    (tmp_path / "config.yaml").write_text(lines)
    assert examine(path, load_config(tmp_path).serving).format is Format.SKOPS


MY_TYPES = """\
from sklearn.base import BaseEstimator, TransformerMixin


class Clip(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return X.clip(-3, 3)
"""


def test_a_type_of_the_training_script_itself_is_refused_with_where_to_move_it(tmp_path, linear):
    def hide(tree):
        tree["content"]["content"]["C"] = {"__loader__": "TypeNode", "__module__": "__main__", "__class__": "Clip"}

    refused(tmp_path, rezipped(linear, hide), r"__main__\.Clip.*script that trained.*Move it")


@pytest.mark.parametrize("name", ["Clip\n  functions: true", "a b", "", "x]", "# y"])
def test_what_is_no_name_of_a_type_never_gets_into_lines_that_are_pasted(tmp_path, linear, name):
    def hide(tree):
        tree["content"]["content"]["C"] = {"__loader__": "TypeNode", "__module__": "m", "__class__": name}

    refused(tmp_path, rezipped(linear, hide), r"names a type 'm\.")


@pytest.mark.parametrize(
    ("loader", "module", "name"),
    [
        ("FunctionNode", "os", "system"),
        ("TypeNode", "subprocess", "Popen"),
        ("ObjectNode", "my_package.clip", "Clip"),
        ("ConstructorFromReduceNode", "builtins", "eval"),
        ("OperatorFuncNode", "operator", "methodcaller"),
        ("DictNode", "builtins", "exec"),
        ("Unheard", "shutil", "rmtree"),
    ],
)
def test_a_type_hidden_anywhere_in_a_skops_file_is_named(tmp_path, linear, loader, module, name):
    def hide(tree):
        tree["content"]["content"]["C"] = {
            "__loader__": "ListNode",
            "__module__": "builtins",
            "__class__": "list",
            "content": [{"__loader__": loader, "__module__": module, "__class__": name, "content": {}, "attrs": {}}],
        }

    refused(tmp_path, rezipped(linear, hide), rf"{module}\.{name}")


def test_a_method_is_a_type_of_its_own(tmp_path, linear):
    def hide(tree):
        node = {"__loader__": "MethodNode", "__module__": "my_package", "__class__": "Clip"}
        tree["content"]["content"]["C"] = {**node, "content": {"func": "run", "obj": {}}}

    refused(tmp_path, rezipped(linear, hide), r"my_package\.Clip\.run")


def test_pickles_in_any_wrapping_are_refused_and_never_opened(tmp_path):
    import bz2
    import gzip
    import lzma
    import pickle
    import zlib

    mark = tmp_path / "was opened"
    content = hostile.pickled(mark)
    for packed in (content, gzip.compress(content), zlib.compress(content), bz2.compress(content)):
        refused(tmp_path, packed, "pickle.*Export the model as ONNX")
    refused(tmp_path, lzma.compress(content), "pickle")
    for protocol in (0, 1):
        refused(tmp_path, pickle.dumps(hostile.Bomb(mark), protocol=protocol), "no ONNX model")
    refused(tmp_path, hostile.torch_archive(mark), "holds the pickle 'archive/data.pkl'.*ONNX")
    assert not mark.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x89HDF\r\n\x1a\n" + bytes(99), "HDF5"),
        (b'{"learner": {}}', "JSON, such as an XGBoost model"),
        (b"tree\nversion=v4\n", "LightGBM"),
        (b"<PMML/>", "PMML"),
        (b"#!/usr/bin/env python\n", "script"),
        (b"", "empty"),
        (b"hello", "no ONNX model"),
        (bytes(4096), "no ONNX model"),
    ],
)
def test_other_files_are_called_by_their_name(tmp_path, content, said):
    refused(tmp_path, content, said)


@pytest.mark.parametrize(
    "name", ["../../etc/cron.d/x", "/etc/passwd", "a/b.npy", "..\\x.npy", "C:x.npy", ".hidden", "a\x1b.npy"]
)
def test_names_of_an_archive_that_lead_out_of_it_are_refused(tmp_path, linear, name):
    refused(tmp_path, rezipped(linear, extra=[(name, b"x")]), "a path out of it|no part of")


def test_links_doubles_and_strange_files_of_an_archive_are_refused(tmp_path, linear):
    refused(tmp_path, rezipped(linear, extra=[(hostile.symlink("1.npy"), "/etc/passwd")]), "a link or a device")
    with pytest.warns(UserWarning, match="Duplicate"):
        doubled = rezipped(linear, extra=[("schema.json", b"{}")])
    refused(tmp_path, doubled, "'schema.json' twice")
    refused(tmp_path, rezipped(linear, extra=[("run.py", b"x")]), "no part of an estimator")
    refused(tmp_path, rezipped(linear, extra=[("1.npy", hostile.objects())]), "pickled objects")
    refused(tmp_path, rezipped(linear, extra=[("1.npy", hostile.array_of((1 << 40,), 8))]), "says its shape")
    refused(tmp_path, rezipped(linear, extra=[("1.npy", b"junk")]), "no array")


def test_sparse_matrices_within_a_skops_file_are_looked_into(tmp_path, linear):
    refused(tmp_path, rezipped(linear, extra=[("1.npz", hostile.bomb_archive(16 * MIB))]), "unpacks to more than")
    refused(tmp_path, rezipped(linear, extra=[("1.npz", b"junk")]), "cut off")
    inner = io.BytesIO()
    np.savez(inner, data=np.array([{}], dtype=object))
    refused(tmp_path, rezipped(linear, extra=[("1.npz", inner.getvalue())]), "pickled objects")


def test_archives_that_grow_are_refused_before_they_are_unpacked(tmp_path, linear):
    refused(tmp_path, hostile.bomb_archive(64 * MIB), "unpacks to 67,108,866 bytes.*file_bytes")
    refused(tmp_path, hostile.many_entries(10_001), "more than 10,000 files")


def test_damaged_archives_are_refused(tmp_path, linear):
    refused(tmp_path, linear[:-30], "cut off")
    refused(tmp_path, linear + b"more", "behind its end")
    broken = bytearray(rezipped(linear))
    broken[60:90] = bytes(30)
    refused(tmp_path, bytes(broken), "damaged")
    refused(tmp_path, rezipped(linear, schema=b"{"), "no JSON")
    refused(tmp_path, rezipped(linear, schema=b"[]"), "does not describe an estimator")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("1.npy", hostile.array_of((1,), 8))
    refused(tmp_path, out.getvalue(), r"no schema\.json")


def test_a_schema_that_is_nested_or_split_without_end_is_refused(tmp_path, linear):
    deep = b'{"__class__":"a","__module__":"sklearn.x","content":' * 1 + b"[" * 100_000 + b"]" * 100_000 + b"}"
    refused(tmp_path, rezipped(linear, schema=deep), "nested deeper")
    less_deep = b'{"__class__":"a","__module__":"sklearn.x","content":' + b"[" * 500 + b"]" * 500 + b"}"
    refused(tmp_path, rezipped(linear, schema=less_deep), "nested deeper than 200")
    wide = b'{"__class__":"a","content":[' + b"[]," * 500_000 + b"[]]}"
    refused(tmp_path, rezipped(linear, schema=wide), "more than 400,000 parts")


def test_a_schema_may_not_refer_to_files_outside_of_the_archive(tmp_path, linear):
    def lead_out(tree):
        tree["content"]["content"]["coef_"]["file"] = "../../etc/passwd"

    refused(tmp_path, rezipped(linear, lead_out), "is no file of its archive")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (lambda: graph(initializer=[external()]), "in another file.*save_as_external_data=False"),
        (lambda: graph(nodes=[helper.make_node("Constant", [], ["Y"], value=external())]), "in another file"),
        (lambda: graph(initializer=[declared([1 << 28])]), "hold more than 8,388,608 bytes.*file_bytes"),
        (lambda: graph(initializer=[declared([1000], bytes(4))]), "says it has 1,000 values, but holds 4 bytes"),
        (lambda: graph(initializer=[declared([-1], bytes(4))]), "impossible dimensions"),
        (lambda: graph(initializer=[declared([1 << 62, 1 << 62], bytes(4))]), "hold more than"),
        (lambda: graph(nodes=[hostile.foreign_node()]), r"RunPython of evil\.example.*standard operators"),
        (hostile.hidden_in_function, r"evil\.example"),
        (lambda: hostile.nested_graphs(30), "nested deeper"),
        (lambda: hostile.raw_nested(200), "nested deeper"),
        (lambda: graph(inputs=[]), "takes no input"),
        (lambda: graph(inputs=[column("X", shape=(None, 3, 224, 224))]), "has 4 dimensions"),
        (lambda: graph(inputs=[column("X", shape=(1, 4))]), "takes exactly 1 rows.*open first dimension"),
        (lambda: graph(inputs=[column("a"), column("b", shape=(None, 5))]), "takes 5 columns, beside other inputs"),
        (lambda: graph(inputs=[hostile.sequence("X")]), "no tensor"),
        (lambda: graph(inputs=[column("X", TensorProto.COMPLEX64)]), "no tensor of numbers"),
        (lambda: graph(metadata={"classes": "no"}), "no JSON list"),
    ],
)
def test_onnx_files_are_refused_for_what_they_would_do(tmp_path, content, said):
    refused(tmp_path, content(), said)


def test_an_attribute_hides_no_tensor_of_another_file_in_a_graph_of_its_own(tmp_path):
    inner = helper.make_graph([helper.make_node("Identity", ["w"], ["Z"])], "g", [], [], initializer=[external()])
    for operator, name in (("If", "then_branch"), ("Loop", "body"), ("Scan", "body")):
        refused(tmp_path, graph(nodes=[helper.make_node(operator, ["X"], ["Y"], **{name: inner})]), "in another file")


def test_an_onnx_file_cut_off_anywhere_is_refused(tmp_path):
    weight = helper.make_tensor("w", TensorProto.FLOAT, [1, 4], [1.0, 2.0, 3.0, 4.0])
    content = graph(nodes=[helper.make_node("Mul", ["X", "w"], ["Y"])], initializer=[weight])
    assert examine(kept(tmp_path, content), SMALL).width == 4
    taken = []
    for end in range(1, len(content)):
        try:
            examine(kept(tmp_path, content[:end]), SMALL)
        except Refused:
            continue
        taken.append(end)
    assert not taken


def test_damage_of_any_byte_never_raises_anything_but_a_refusal(tmp_path, linear):
    drawn = random.Random(3)
    for content in (hostile.classifier_onnx(), rezipped(linear)):
        for _ in range(150):
            broken = bytearray(content)
            for _ in range(drawn.randint(1, 4)):
                broken[drawn.randrange(len(broken))] = drawn.randrange(256)
            with contextlib.suppress(Refused):
                examine_static(kept(tmp_path, bytes(broken)))


def examine_static(path):
    """All of `examine` but for the process that asks skops, which takes seconds."""
    from watchkeeper.runtime import onnx_file, onnx_port, skops_file

    with path.open("rb") as file:
        size = path.stat().st_size
        if file.read(2) == b"PK":
            skops_file.describe(file, size, 8 * MIB, ())
        else:
            onnx_port.columns(onnx_file.describe(file, size, 8 * MIB).inputs)


def test_links_folders_devices_and_large_files_are_refused(tmp_path):
    real = kept(tmp_path, hostile.classifier_onnx(), "real.onnx")
    link = tmp_path / "link.onnx"
    link.symlink_to(real)
    pipe = tmp_path / "pipe.onnx"
    os.mkfifo(pipe)
    for path, said in (
        (link, "symbolic link"),
        (tmp_path, "folder"),
        (pipe, "device, a pipe"),
        (tmp_path / "none", "No such file"),
    ):
        with pytest.raises(Refused, match=said):
            examine(path, Allowed())
    with pytest.raises(Refused, match=r"more than 100.*file_bytes"):
        examine(real, Allowed(file_bytes=100))
    with pytest.raises(Refused, match="device"):
        examine(type(real)("/dev/zero"), Allowed())


def test_examining_needs_little_memory_and_no_model_libraries_however_large_the_file(tmp_path):
    large = kept(tmp_path, graph(initializer=[declared([48 * MIB], bytes(4 * 48 * MIB))]), "large.onnx")
    bomb = kept(tmp_path, hostile.bomb_archive(256 * MIB), "bomb.skops")
    program = f"""
import resource, sys
from pathlib import Path
from watchkeeper.runtime import Allowed, Refused, examine
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert examine(Path({str(large)!r}), Allowed()).width == 4
try:
    examine(Path({str(bomb)!r}), Allowed(file_bytes=1 << 20))
except Refused:
    pass
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
assert grown < 40 << 10, grown
assert not {{"onnx", "onnxruntime", "skops", "sklearn", "joblib"}} & set(sys.modules)
"""
    assert large.stat().st_size > 190 * MIB
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_owner_of_a_model_never_unpickles_and_never_imports_its_libraries(tmp_path, linear):
    """An audit hook tells of each class that a pickle names; the owner examines, loads and asks models under it."""
    (tmp_path / "m.onnx").write_bytes(hostile.classifier_onnx())
    (tmp_path / "m.skops").write_bytes(linear)
    (tmp_path / "m.pkl").write_bytes(hostile.pickled(tmp_path / "was opened"))
    (tmp_path / "p.py").write_text("def predict(rows):\n    return rows['age']\n")
    program = f"""
import sys
from pathlib import Path
told = []
sys.addaudithook(lambda event, given: told.append(given) if event == "pickle.find_class" else None)
from watchkeeper.runtime import Allowed, Format, Refused, Servable, Worker, examine
folder, allowed, columns = Path({str(tmp_path)!r}), Allowed(functions=True), {models.COLUMNS!r}
rows = {{name: [1.0, 2.0] for name in columns}}
for name, format in (("m.onnx", Format.ONNX), ("m.skops", Format.SKOPS)):
    assert examine(folder / name, allowed).format is format
    with Worker(Servable(format, columns, folder / name), allowed, load_seconds=120) as worker:
        assert len(worker.predict(rows, 30).prediction) == 2
with Worker(Servable(Format.FUNCTION, ("age",), None, str(folder / "p.py") + ":predict"), allowed) as worker:
    worker.predict(rows, 30)
try:
    examine(folder / "m.pkl", allowed)
except Refused:
    pass
else:
    raise SystemExit("a pickle was taken")
assert not told, told
assert not {{"onnxruntime", "skops", "sklearn", "joblib", "pandas"}} & set(sys.modules)
import pickle
pickle.loads(pickle.dumps(Path()))
assert told, "the hook hears nothing"
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert not (tmp_path / "was opened").exists()
