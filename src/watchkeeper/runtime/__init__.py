"""Runs a model's artefact in a process of its own: formats, what is allowed, and the worker."""

from watchkeeper.model.serving import Allowed
from watchkeeper.runtime.answers import Answers
from watchkeeper.runtime.examine import Facts, examine
from watchkeeper.runtime.failure import CannotLoad, Crashed, Raised, Refused, TimedOut, WrongAnswer, WrongInput
from watchkeeper.runtime.remote import Remote
from watchkeeper.runtime.servable import Format, Servable
from watchkeeper.runtime.worker import Worker

__all__ = [
    "Allowed",
    "Answers",
    "CannotLoad",
    "Crashed",
    "Facts",
    "Format",
    "Raised",
    "Refused",
    "Remote",
    "Servable",
    "TimedOut",
    "Worker",
    "WrongAnswer",
    "WrongInput",
    "examine",
]
