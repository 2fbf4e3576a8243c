"""Runs a model's artefact in a process of its own: formats, what is allowed, and the worker."""

from watchkeeper.runtime.answers import Answers
from watchkeeper.runtime.servable import Format, Servable

__all__ = ["Answers", "Format", "Servable"]
