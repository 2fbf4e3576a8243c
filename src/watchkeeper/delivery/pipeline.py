"""Runs tasks side by side, a few ahead of the one who asks; results come in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


def ahead(tasks: Iterator[Callable[[], Result]], workers: int = 0) -> Iterator[Result]:
    """The results of `tasks`, in order. At most `workers` + 1 of them are held; 0 workers: one for each core, at most 8.

    A task is taken from the iterator in the caller's thread. When the caller stops asking, tasks not yet begun are dropped.
    """
    many = workers or min(os.cpu_count() or 1, 8)
    if many == 1:
        for task in tasks:
            yield task()
        return
    with ThreadPoolExecutor(many) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for task in tasks:
                waiting.append(pool.submit(task))
                if len(waiting) > many:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
