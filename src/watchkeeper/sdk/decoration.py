"""Decoration: a function of which every call is recorded as a prediction."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from watchkeeper.sdk.prediction import Prediction

Function = TypeVar("Function", bound=Callable[..., Any])
Begin = Callable[[tuple[Any, ...], dict[str, Any]], Prediction]
OUTCOME = frozenset({"prediction", "score", "scores"})


def decorated(function: Function, begin: Begin) -> Function:
    """A function or coroutine function that does the same, inside the block that `begin` makes of its arguments."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def call_later(*arguments: Any, **named: Any) -> Any:
            with begin(arguments, named) as prediction:
                return _noted(prediction, await function(*arguments, **named))

        return call_later  # type: ignore[return-value]

    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        with begin(arguments, named) as prediction:
            return _noted(prediction, function(*arguments, **named))

    return call  # type: ignore[return-value]


def _noted(prediction: Prediction, result: Any) -> Any:
    """What a function returned, after it was noted as the prediction, or as its parts where it is a dict of them."""
    if isinstance(result, dict) and "prediction" in result and OUTCOME.issuperset(result):
        for name, value in result.items():
            setattr(prediction, name, value)
    else:
        prediction.prediction = result
    return result
