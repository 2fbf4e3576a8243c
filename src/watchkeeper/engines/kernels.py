"""Chooses the kernel: numpy at once, the compiled one where it is installed and the data repay loading it."""

from __future__ import annotations

from importlib.util import find_spec
from threading import Lock, Thread

from watchkeeper.profiles import kernel_numpy
from watchkeeper.profiles.counted import Kernel

PAYS = 5_000_000
"""Cells from which on loading the compiled kernel (about a second of one core) takes less time than it saves."""
WAITS = 250_000_000
"""Cells from which on everything waits for it, even if it must be compiled: meanwhile numpy would get nowhere."""


class Kernels:
    """Hands out the fastest kernel that is ready.

    Once `PAYS` cells were asked for, the compiled kernel is loaded in the background (and compiled, the first time on a
    machine) while numpy serves; where more than `WAITS` are to be expected, at once. All kernels give the same counts,
    so they may take turns in one scan.
    """

    def __init__(self) -> None:
        self._ready: Kernel = kernel_numpy
        self._cells = self._expected = 0
        self._lock = Lock()
        self._begun = find_spec("numba") is None

    def expect(self, cells: int) -> None:
        """Hear of cells that will be asked for."""
        with self._lock:
            self._expected += cells

    def ask(self, cells: int) -> Kernel:
        """The kernel for a block of so many cells."""
        with self._lock:
            self._cells += cells
            due = max(self._cells, self._expected) > PAYS and not self._begun
            self._begun |= due
            if due and self._expected > WAITS:
                self._load()
                due = False
        if due:
            Thread(target=self._load, name="watchkeeper-kernel").start()
        return self._ready

    def _load(self) -> None:
        from watchkeeper.profiles import kernel_numba

        self._ready = kernel_numba
