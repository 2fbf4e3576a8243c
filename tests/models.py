"""Models and rows that tests of the runtime share: small, trained here, and kept in each format."""

from __future__ import annotations

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

COLUMNS = ("age", "nights", "price", "lead")
DRAWN = np.random.default_rng(7)
TABLE = DRAWN.normal(size=(400, len(COLUMNS))).astype(np.float32)
LABELS = (TABLE @ [1.0, -2.0, 0.5, 1.0] + DRAWN.normal(size=400) > 0).astype(np.int64)
ROWS = {name: TABLE[:, at] for at, name in enumerate(COLUMNS)}
CITIES = np.where(TABLE[:, 1] > 0, "Ås", "Bø").astype(object)


def classifier(labels=LABELS):
    """A logistic regression of the table."""
    return LogisticRegression().fit(TABLE, labels)


def onnx_of(model, **options):
    """The bytes of an ONNX file with one matrix for all columns."""
    from skl2onnx import to_onnx

    return to_onnx(model, TABLE[:1], **options).SerializeToString()


def mixed():
    """A pipeline of numbers and texts, trained on a data frame."""
    import pandas as pd

    table = pd.DataFrame({**{name: column.astype(float) for name, column in ROWS.items()}, "city": CITIES})
    encode = make_column_transformer((StandardScaler(), list(COLUMNS)), (OneHotEncoder(), ["city"]))
    return make_pipeline(encode, LogisticRegression()).fit(table, LABELS), table


def mixed_onnx():
    """The same as ONNX, with one input a column."""
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    model, table = mixed()
    types = [(name, FloatTensorType([None, 1])) for name in COLUMNS] + [("city", StringTensorType([None, 1]))]
    options = {id(model): {"zipmap": True}}
    return convert_sklearn(model, initial_types=types, options=options).SerializeToString(), model, table
