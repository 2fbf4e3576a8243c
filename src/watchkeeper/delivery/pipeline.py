"""Runs tasks side by side, a few ahead of the one who asks; results come in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from watchkeeper.model.error import WatchkeeperError

Result = TypeVar("Result")


def ahead(tasks: Iterator[Callable[[], Result]], workers: int = 0) -> Generator[Result, None, None]:
    """The results of `tasks`, in order. At most `workers` + 1 are held; 0 workers: one for each core, at most 8.

    Tasks are taken from the iterator in the caller's thread. When the caller stops asking, those not begun are dropped.
    """
    many = workers or min(os.cpu_count() or 1, 8)
    if many == 1:
        for task in tasks:
            yield task()
        return
    failed: WatchkeeperError | None = None
    with ThreadPoolExecutor(many) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            while True:
                try:
                    task = next(tasks)
                except StopIteration:
                    break
                except WatchkeeperError as error:  # told once the results before it were
                    failed = error
                    break
                waiting.append(pool.submit(task))
                if len(waiting) > many:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
    if failed is not None:
        raise failed
