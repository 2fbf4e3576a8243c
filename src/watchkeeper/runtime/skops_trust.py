"""Whom a skops file needs to be trusted: the types that the home's configuration has to list, and what is said of them.

No list of it is in a file: skops's own list of safe types, and the operator's `serving: skops_types`, decide alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from watchkeeper.runtime.failure import Refused

PACKAGES = ("sklearn.", "numpy.", "scipy.")
"""Packages of which skops itself decides which types are safe."""
TREES = ("sklearn.tree._tree.Tree", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor")
"""Types of scikit-learn that reach into memory by what the file says, without looking whether it is theirs."""


def doubtful(types: Iterable[str]) -> list[str]:
    """Types that surely have to be listed."""
    return [one for one in types if one in TREES or not one.startswith(PACKAGES)]


def own(types: Iterable[str]) -> tuple[str, ...]:
    """Packages of types that are code of the user's, or of others whom serving does not bring."""
    return tuple(sorted({one.partition(".")[0] for one in types if not one.startswith(PACKAGES)}))


def refuse(types: Iterable[str], allowed: Iterable[str]) -> None:
    """Refuse a file if it holds types that are not allowed."""
    listed = list(allowed)
    if missing := sorted(set(types) - set(listed)):
        raise Refused(unlisted(missing, listed))


def unlisted(types: Iterable[str], allowed: Iterable[str]) -> str:
    """What is said of types that are not allowed, with the lines that would allow them."""
    types = list(types)
    nowhere = [one for one in types if one.startswith("__main__.")]
    if nowhere:
        return (
            f"It holds {', '.join(nowhere)}, which was written in the script that trained: no other process finds it "
            "there. Move it to a file of its own, such as my_types.py, import it from there, then train and save again."
        )
    needs = own(types)
    lines = "\n".join(f"    - {one}" for one in [*allowed, *types])
    return (
        f"It holds {', '.join(types)}, which a crafted file could use to run code or to crash. If you know where it is "
        "from, list it under `serving: skops_types:` in config.yaml, with the lines below, and do this again; else "
        f"export the model as ONNX, which needs no such trust. {needed(needs) if needs else ''}".rstrip()
        + f"\n\nserving:\n  skops_types:\n{lines}"
    )


def needed(packages: Iterable[str]) -> str:
    """What is said of code that the model's process has to find."""
    named = ", ".join(packages)
    return (
        f"{named}: code that is not scikit-learn's own. The model's process imports it, so wherever the model answers "
        "(gate, compare, gateway) it has to be installed, or its folder be named in $PYTHONPATH."
    )
