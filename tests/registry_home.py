"""What the tests of the registry share: a home with a model, and small models as files."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import onnx
from onnx import TensorProto, helper
from ruamel.yaml import YAML

from watchkeeper.sdk import inbox_of
from watchkeeper.state import gate
from watchkeeper.state import model as models
from watchkeeper.watch.home import opened

SECOND = 1_000_000
DAY = 86_400 * SECOND
NOW = 1_760_000_000 * SECOND
MODEL = """\
name: hotel
task: binary
columns:
  booking: {type: string, role: id}
  at: {type: timestamp, role: timestamp}
  nights: {type: integer}
  price: {type: number}
  cancels: {type: boolean, role: prediction}
  score: {type: number, role: score}
  cancelled: {type: boolean, role: label}
"""


@contextmanager
def a_home(folder: Path, **config):
    """A home that knows the model `hotel`; `config` is what its config.yaml says."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "config.yaml").open("w") as file:
        YAML().dump(config, file)
    with opened(folder) as home:
        if "hotel" not in models.names(home.store):
            models.put(home.store, "hotel", MODEL, NOW, "ann")
            inbox_of(folder, "hotel").mkdir(parents=True)
        yield home


def a_file(folder: Path, weight: float = 1.0, inputs=None, width: int = 2) -> Path:
    """An ONNX model: one matrix, or the named columns one by one; answers are sums times a weight."""
    tensor = TensorProto.FLOAT
    value = helper.make_tensor_value_info
    if inputs is None:
        taken, nodes, last = [value("X", tensor, [None, width])], [], "X"
    else:
        taken, width = [value(name, tensor, [None, 1]) for name in inputs], len(inputs)
        nodes, last = [helper.make_node("Concat", list(inputs), ["joined"], axis=1)], "joined"
    ones = helper.make_tensor("w", tensor, [width, 1], [weight] * width)
    nodes.append(helper.make_node("MatMul", [last, "w"], ["variable"]))
    graph = helper.make_graph(nodes, "sum", taken, [value("variable", tensor, [None, 1])], [ones])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = folder / f"model-{weight}.onnx"
    onnx.save(made, path)
    return path


def passed(home, version: str, outcome: str = "PASS", at: int = NOW) -> int:
    """A verdict of the gate."""
    return gate.add(home.store, "hotel", version, outcome, {"outcome": outcome}, at, "gate")
