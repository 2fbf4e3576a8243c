"""The ids that a model received lately, so that what is sent twice is recognised without asking the lake."""

from __future__ import annotations

from collections.abc import Hashable, Mapping


class Recent:
    """A bounded memory of keys with the hash of their content: when it is full, its older half is forgotten."""

    def __init__(self, most: int) -> None:
        self._half = max(1, most // 2)
        self._young: dict[Hashable, int] = {}
        self._old: dict[Hashable, int] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def resize(self, most: int) -> None:
        """Remember so many from now on; what is too much is forgotten."""
        self._half = max(1, most // 2)
        if len(self._young) >= self._half:
            self._young, self._old = {}, {}
        elif len(self._old) > self._half:
            self._old = {}

    def content(self, key: Hashable) -> int | None:
        """The hash of the content that came with this key, or None where the key is not remembered."""
        found = self._young.get(key)
        return self._old.get(key) if found is None else found

    def remember(self, contents: Mapping[Hashable, int]) -> None:
        """Keep these keys; of keys that are known already, the first content stays."""
        young, old = self._young, self._old
        for key, content in contents.items():
            if key not in young and key not in old:
                young[key] = content
        if len(self._young) >= self._half:
            self._old, self._young = self._young, {}
