"""The release loop: versions and their lineage, the gate, comparison, what is live, and the way back."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Release(ModuleType):
    """`watchkeeper.release` is this room and, for who calls it, the deed: Python gives both one name."""

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        from watchkeeper.release.python import release

        return release(*arguments, **named)


sys.modules[__name__].__class__ = _Release
