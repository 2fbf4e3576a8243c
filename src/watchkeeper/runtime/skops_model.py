"""A scikit-learn estimator, loaded by skops: types beyond the allow-list are refused by skops once more."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watchkeeper.model import Scalar
from watchkeeper.runtime import answered, skops_trust, typed
from watchkeeper.runtime.answers import Answers
from watchkeeper.runtime.channel import Column
from watchkeeper.runtime.failure import CannotLoad


class SkopsModel:
    """An estimator or pipeline with `predict`, and `predict_proba` where it has one."""

    def __init__(self, path: Path, inputs: Sequence[str], allowed: Sequence[str]) -> None:
        import skops.io
        from skops.io.exceptions import UntrustedTypesFoundException

        try:
            estimator = skops.io.load(path, trusted=list(allowed))
        except UntrustedTypesFoundException as error:
            unknown = set(skops.io.get_untrusted_types(file=path)) - set(allowed)
            raise CannotLoad(skops_trust.unlisted(sorted(unknown), allowed)) from error
        except ModuleNotFoundError as error:
            raise CannotLoad(f"{error}. {skops_trust.needed([str(error.name)])}") from error
        if not hasattr(estimator, "predict"):
            raise CannotLoad(f"It holds a {type(estimator).__name__}, which has no `predict`.")
        self._columns = tuple(inputs)
        self._estimator = estimator
        self._named = hasattr(estimator, "feature_names_in_")
        if self._named and find_spec("pandas") is None:
            raise CannotLoad("It was trained on named columns and takes a data frame: pip install pandas")
        self._probable = hasattr(estimator, "predict_proba")
        self.outputs: tuple[str, ...] = ("prediction", "score") if self._probable else ("prediction",)
        self.classes = _classes(estimator) if self._probable else ()

    def answer(self, columns: Sequence[Column], rows: int) -> Answers:
        """Answer to rows; their columns are in the order of the servable's inputs."""
        table = self._table([typed.as_come(column) for column in columns])
        scores = self._estimator.predict_proba(table) if self._probable else None
        return answered.answers(self._estimator.predict(table), scores, self.classes, rows)

    def _table(self, columns: Sequence[NDArray[Any]]) -> Any:
        """A data frame where the estimator was trained with names, else a matrix."""
        if self._named:
            import pandas as pd

            return pd.DataFrame(dict(zip(self._columns, columns, strict=True)), copy=False)
        return np.column_stack(columns)


def _classes(estimator: Any) -> tuple[Scalar, ...]:
    found = np.asarray(getattr(estimator, "classes_", ()))
    return tuple(found.tolist()) if found.ndim == 1 else ()
