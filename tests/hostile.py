"""Files that no server should take as a model, each made here: what attackers and bad luck send."""

from __future__ import annotations

import io
import json
import pickle
import stat
import zipfile

import numpy as np
from onnx import TensorProto, helper

import models

FLOAT = TensorProto.FLOAT


class Bomb:
    """An object that writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


def skops_of(model, **packed):
    """The bytes of a skops file."""
    import skops.io

    return skops.io.dumps(model, **packed)


def rezipped(content, change=None, extra=(), schema=None):
    """A skops file with entries added, or its schema changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            held = old.read(entry)
            if entry.filename == "schema.json":
                tree = json.loads(held)
                if change is not None:
                    change(tree)
                held = schema if schema is not None else json.dumps(tree).encode()
            new.writestr(entry.filename, held)
        for name, held in extra:
            new.writestr(name, held)
    return out.getvalue()


def symlink(name):
    """An entry of an archive that is a symbolic link."""
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def array_of(shape, held):
    """An `.npy` file that says it has a shape, and holds so many bytes."""
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return out.getvalue() + bytes(held)


def objects():
    """An `.npy` file of pickled objects."""
    out = io.BytesIO()
    np.save(out, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return out.getvalue()


def bomb_archive(size):
    """A small archive that unpacks to `size` bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", "{}")
        with archive.open("1.npy", "w") as entry:
            for _ in range(size >> 20):
                entry.write(bytes(1 << 20))
    return out.getvalue()


def many_entries(count):
    """An archive of many empty files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(count):
            archive.writestr(f"{number}.npy", b"")
    return out.getvalue()


def graph(nodes=None, inputs=None, initializer=(), outputs=None, functions=(), metadata=None, **options):
    """The bytes of an ONNX model of one's own."""
    matrix = [helper.make_tensor_value_info("X", FLOAT, [None, 4])]
    given = [helper.make_tensor_value_info("Y", FLOAT, [None, 1])]
    held = helper.make_graph(
        nodes or [helper.make_node("Identity", ["X"], ["Y"])],
        "g",
        inputs if inputs is not None else matrix,
        outputs or given,
        initializer=list(initializer),
    )
    model = helper.make_model(held, functions=list(functions), **options)
    for key, value in (metadata or {}).items():
        model.metadata_props.add(key=key, value=value)
    return model.SerializeToString()


def external(location="/etc/passwd"):
    """A tensor of which the values lie in another file."""
    tensor = TensorProto(name="w", data_type=FLOAT, dims=[4])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def declared(dims, held=b"", data_type=FLOAT):
    """A tensor that says it has dimensions, and holds some bytes."""
    return TensorProto(name="w", data_type=data_type, dims=dims, raw_data=held)


def nested_graphs(depth):
    """A graph in a graph in a graph."""
    inner = helper.make_graph([helper.make_node("Identity", ["X"], ["Y"])], "g", [], [])
    for _ in range(depth):
        node = helper.make_node("If", ["X"], ["Y"], then_branch=inner)
        inner = helper.make_graph([node], "g", [], [])
    return graph(nodes=[helper.make_node("If", ["X"], ["Y"], then_branch=inner)])


def raw_nested(depth):
    """A message that nests without end, as no library writes it."""
    content = b""
    for _ in range(depth):
        content = _field(1, _field(5, _field(6, content)))
    return _field(8, b"\x10\x0d") + _field(7, content)


def _field(number, content):
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def column(name, kind=FLOAT, shape=(None, 1)):
    """An input of a graph."""
    return helper.make_tensor_value_info(name, kind, list(shape))


def sequence(name):
    """An input of a graph that is no tensor."""
    return helper.make_tensor_sequence_value_info(name, FLOAT, None)


def foreign_node():
    """An operator that nobody but its author has."""
    return helper.make_node("RunPython", ["X"], ["Y"], domain="evil.example")


def hidden_in_function():
    """A function of the model's own that uses such an operator."""
    opset = [helper.make_opsetid("", 18), helper.make_opsetid("mine", 1)]
    body = helper.make_node("RunPython", ["x"], ["y"], domain="evil.example")
    held = helper.make_function("mine", "Call", ["x"], ["y"], [body], opset)
    return graph(nodes=[helper.make_node("Call", ["X"], ["Y"], domain="mine")], functions=[held], opset_imports=opset)


def pickled(path):
    """A pickle that writes a file when it is opened."""
    return pickle.dumps(Bomb(path))


def torch_archive(path):
    """A PyTorch checkpoint: an archive around a pickle."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", pickled(path))
    return out.getvalue()


def classifier_onnx():
    """A model that is fine."""
    return models.onnx_of(models.classifier(), options={"zipmap": False})
