"""Attempts: the gate's checks as they are made. One that can't be made is a FAIL that tells why, never left out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field

from watchkeeper.model import WatchkeeperError
from watchkeeper.release.artifact import StoreUnavailable
from watchkeeper.release.gate.answering import BATCH, SECONDS, Asked, columns_of, joined
from watchkeeper.release.gate.held import Evaluation
from watchkeeper.release.gate.holdout import Holdout, Told
from watchkeeper.release.outcome import Checked, Outcome
from watchkeeper.report import words
from watchkeeper.runtime import Allowed, Answers, Format, Remote, Servable, Worker

BROKEN = "Mend what the error names, and gate again; until then nothing is known of this."


@dataclass
class Attempts:
    """The checks that were made, what else must be said, and the processes that were started for them."""

    stack: ExitStack
    checks: list[Checked] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    evaluation: Evaluation | None = None

    def make(
        self, name: str, check: Callable[[], Checked | None], lead: str = "This could not be checked: "
    ) -> Checked | None:
        """Make a check, and take what it says, if it says anything. `lead` begins the sentence of an error.

        Raises `StoreUnavailable`: a store that can't be reached is no fault of a candidate.
        """
        try:
            made = check()
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in a check speaks against the candidate
            sentence = f"{lead}{_told(error)}"
            made = Checked(name, Outcome.FAIL, sentence, BROKEN, {"error": type(error).__name__})
        if made is not None:
            self.checks.append(made)
        return made

    def started(self, name: str, found: Callable[[], Servable], allowed: Allowed) -> Asked | None:
        """A fresh process that holds a model, or the server that answers; None where it can't be loaded, and why.

        `found`: brings the model's file, verified; what is wrong with it is told like all else.
        """
        held: list[Asked] = []

        def load() -> None:
            servable = found()
            if servable.format is Format.REMOTE:
                held.append(Remote(servable, allowed))
            else:
                held.append(Worker(servable, allowed, memory_bytes=allowed.memory_bytes))
            self.stack.enter_context(closing(held[0]))

        self.make(name, load, lead="")
        return held[0] if held else None

    def answers(
        self, name: str, candidate: Asked, live: Asked | None, held: Holdout, told: Told | None
    ) -> tuple[Answers, Answers | None] | None:
        """What both models answer to all held-out rows, in one pass; None where one fails, which is told."""
        given: list[tuple[Answers, Answers | None]] = []

        def ask() -> None:
            given.append(_one_pass(candidate, live, held, told))

        self.make(name, ask, lead="The held-out rows could not be answered: ")
        return given[0] if given else None


def loaded(worker: Asked) -> Checked:
    """That a model was loaded in a fresh process, how fast, and how much memory it took."""
    if isinstance(worker, Remote):
        sentence = f"{words.inert(worker.url, 100)} answers for it, so nothing is loaded here."
        return Checked("loads", Outcome.PASS, sentence, facts={"url": worker.url})
    seconds, size = worker.load_seconds, worker.memory_bytes
    sentence = f"It loads in a fresh process in {words.duration(seconds)}, which holds {words.size(size)} then."
    return Checked("loads", Outcome.PASS, sentence, facts={"seconds": seconds, "bytes": size})


def alive(worker: Asked | None) -> bool:
    """Whether a model can still be asked."""
    return not isinstance(worker, Worker) or worker.alive


def memory_of(worker: Asked | None) -> int | None:
    """Memory that a model's process holds; None of a server, which is not ours."""
    return worker.memory_bytes if isinstance(worker, Worker) else None


def _one_pass(candidate: Asked, live: Asked | None, held: Holdout, told: Told | None) -> tuple[Answers, Answers | None]:
    """Both models' answers to all held-out rows, batch by batch."""
    mine, theirs = [], []
    for first in range(0, held.inputs.num_rows, BATCH):
        batch = held.inputs.slice(first, BATCH)
        mine.append(candidate.predict(columns_of(batch, candidate.inputs), SECONDS))
        if live is not None:
            theirs.append(live.predict(columns_of(batch, live.inputs), SECONDS))
        if told:
            told(batch.num_rows)
    return joined(mine), joined(theirs) if live is not None else None


def _told(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text if isinstance(error, WatchkeeperError) else f"{type(error).__name__}: {text}"
