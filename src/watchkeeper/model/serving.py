"""`serving:` in a home's `config.yaml`: what may be loaded and reached where models answer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from watchkeeper.model.constraint import Strict

MIB = 1 << 20


class Allowed(Strict):
    """What the operator allows models to be and to reach. An artefact never says of itself that it may be trusted."""

    skops_types: list[str] = Field(default_factory=list)
    """Types that a skops file may hold beyond scikit-learn's own, such as `my_package.Clip`: their code will run."""
    functions: bool = False
    """Whether Python functions of users, such as `pipeline.py:predict`, may answer."""
    hosts: list[str] = Field(default_factory=list)
    """Servers that models of the format `remote` may be on, as in the URL: `models.example.com` or `10.0.0.7:8080`."""
    file_bytes: Annotated[int, Field(ge=1)] = 512 * MIB
    """The most bytes of an artefact, both as it comes and unpacked."""
    memory_bytes: Annotated[int, Field(ge=64 * MIB)] | None = None
    """The most memory that the process of one model may take; without it, no limit."""
