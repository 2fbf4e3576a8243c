"""Chooses the kernel: numpy at once, the compiled one where it is installed and the data repay loading it."""

from __future__ import annotations

from importlib.util import find_spec
from threading import Lock, Thread

from watchkeeper.profiles import kernel_numpy
from watchkeeper.profiles.counted import Kernel

PAYS = 5_000_000
"""Cells from which on loading the compiled kernel (about a second of one core) takes less time than it saves."""


class Kernels:
    """Hands out the fastest kernel that is ready.

    Once `PAYS` cells were asked for, the compiled kernel is loaded in the background (and compiled, the first time on a
    machine) while numpy serves. All kernels give the same counts, so they may take turns in one scan.
    """

    def __init__(self) -> None:
        self._ready: Kernel = kernel_numpy
        self._cells = 0
        self._lock = Lock()
        self._begun = find_spec("numba") is None

    def ask(self, cells: int) -> Kernel:
        """The kernel for a block of so many cells."""
        with self._lock:
            self._cells += cells
            due = self._cells > PAYS and not self._begun
            self._begun |= due
        if due:
            Thread(target=self._load, name="watchkeeper-kernel").start()
        return self._ready

    def _load(self) -> None:
        from watchkeeper.profiles import kernel_numba

        self._ready = kernel_numba
