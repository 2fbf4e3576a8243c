"""What a candidate must show before it goes live: metrics and margins, a stated need, bounds, confidence."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from watchkeeper.model.bounds import Bounds
from watchkeeper.model.constraint import Strict, mistake
from watchkeeper.model.mistake import no_such

BETTER: dict[str, Literal["high", "low"]] = {
    **dict.fromkeys(("roc_auc", "pr_auc", "accuracy", "balanced_accuracy", "precision", "recall", "f1"), "high"),
    **dict.fromkeys(("log_loss", "brier", "false_positive_rate", "mae", "rmse", "mape", "cost"), "low"),
    **dict.fromkeys(("r2", "ndcg@5", "ndcg@10", "recall@5", "recall@10", "mrr", "map"), "high"),
}
"""The metrics that a gate can judge, and which way is better."""

_DECISIONS = ("accuracy", "balanced_accuracy", "precision", "recall", "f1")
METRICS: dict[str, tuple[str, ...]] = {
    "binary": ("roc_auc", "pr_auc", "log_loss", "brier", *_DECISIONS, "false_positive_rate", "cost"),
    "multiclass": ("log_loss", *_DECISIONS),
    "regression": ("mae", "rmse", "mape", "r2"),
    "ranking": ("ndcg@5", "ndcg@10", "recall@5", "recall@10", "mrr", "map"),
}
"""By task the metrics that it has."""

_SHARE = re.compile(r"(\d+(?:\.\d+)?) ?%")
Share = Annotated[float, Field(strict=True, gt=0, lt=1)]
Amount = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]


class Margin(Strict):
    """How much worse than the live model a candidate may be."""

    margin: float | str
    """In the metric's own unit (0.01), or as a share of the live model's own value ('5 %')."""

    @field_validator("margin", mode="before")
    @classmethod
    def _is_an_amount(cls, margin: object) -> object:
        said = _SHARE.fullmatch(margin) if isinstance(margin, str) else None
        size = float(said[1]) / 100 if said else margin
        if isinstance(size, bool) or not isinstance(size, int | float) or not 0 < size < float("inf"):
            raise mistake("write a number above 0 in the metric's unit, or a share of the live model's value, as 5 %")
        return margin

    @property
    def share(self) -> float | None:
        """The share of the live model's value, 0.05 for 5 %; None where the margin is in the metric's unit."""
        said = _SHARE.fullmatch(self.margin) if isinstance(self.margin, str) else None
        return float(said[1]) / 100 if said else None

    def at(self, live: float) -> float:
        """The margin in the metric's unit where the live model has this value."""
        share = self.share
        return float(self.margin) if share is None else share * abs(live)


class Cost(Strict):
    """What a wrong decision costs, in any unit; a right one costs nothing."""

    false_positive: Amount
    """Of one negative row that is decided positive."""
    false_negative: Amount
    """Of one positive row that is decided negative."""


class StatedNeed(Strict):
    """What decisions are for: exactly one line. The threshold of the score is learned for it, at each version anew."""

    recall: Share | None = None
    """At least this share of the positive rows is found."""
    false_positive_rate: Share | None = None
    """At most this share of the negative rows is decided positive."""
    precision: Share | None = None
    """At least this share of what is decided positive is so."""
    cost: Cost | None = None
    """Decisions cost as little as can be."""

    @model_validator(mode="after")
    def _is_one(self) -> StatedNeed:
        if sum(getattr(self, name) is not None for name in StatedNeed.model_fields) != 1:
            raise mistake("write exactly one of recall, false_positive_rate, precision and cost")
        return self


class Gap(Strict):
    """How far protected groups may be apart; at least one line."""

    most: Share | None = None
    """The largest difference between two groups."""
    wider: Share | None = None
    """How much larger than the live model's a difference may be."""

    @model_validator(mode="after")
    def _says_something(self) -> Gap:
        if self.most is None and self.wider is None:
            raise mistake("write `most:`, `wider:` or both, each a share such as 0.05")
        return self


Gapped = Literal["recall", "false_positive_rate", "selection_rate"]


class Need(Bounds):
    """What a candidate must show on held-out rows before it goes live (`gate:` of a model)."""

    metrics: dict[str, Margin] = Field(default_factory=dict)
    """Metrics in which it must be no worse than the live model, but for a margin; by task where nothing is said."""
    confidence: Annotated[float, Field(strict=True, ge=0.5, lt=1)] = 0.95
    """How sure a PASS and a FAIL are."""
    min_rows: Annotated[int, Field(strict=True, ge=20)] = 200
    """Labelled rows below which nothing is decided."""
    level: dict[str, float] = Field(default_factory=dict)
    """Metrics that must reach a value (errors: stay below it), whatever the live model has."""
    skill: Share = 0.1
    """A skill worth seeing, as a share of the way from the naive baseline to perfect answers."""
    naive: Literal["constant", "last_value"] = "constant"
    """What it must beat: the best constant answer (of rankings, popularity), or the last label known before."""
    threshold: StatedNeed | None = None
    """The need for which the threshold of a binary score is learned."""
    segments: list[str] | None = None
    """Columns whose values must each hold; those that the model lists as segments where nothing is said."""
    min_segment_rows: Annotated[int, Field(strict=True, ge=20)] = 200
    """Rows below which a segment, or a protected group, is not judged by itself."""
    segment_margin: Annotated[float, Field(strict=True, ge=1, allow_inf_nan=False)] = 3.0
    """How many times the margin a segment may lose."""
    gaps: dict[Gapped, Gap] = Field(default_factory=dict)
    """How far the groups of each protected column may be apart."""
    calibration: Amount | None = None
    """The most calibration error (binary), or the most bias either way (regression, in the label's unit)."""

    @field_validator("metrics", "level")
    @classmethod
    def _metrics_are_known(cls, named: dict[str, Any]) -> dict[str, Any]:
        for name in named:
            if name not in BETTER:
                raise mistake(f"there is no such metric. {no_such(name, tuple(BETTER))}", name)
        return named

    def misfit(self, task: str) -> tuple[tuple[str, ...], str] | None:
        """A line that can't hold for a task: the path to it, and why; None if all can."""
        known = METRICS.get(task, ())
        for field, named in (("metrics", self.metrics), ("level", self.level)):
            for name in named:
                if name not in known:
                    has = f"it has {', '.join(known)}" if known else "give the model a task"
                    return (field, name), f"a model of task {task} has no such metric; {has}"
        for field, value in (("threshold", self.threshold), ("gaps", self.gaps)):
            if value and task != "binary":
                return (field,), f"only a binary model has decisions about a score, and the task is {task}; take it out"
        if self.calibration is not None and task not in ("binary", "regression"):
            return ("calibration",), f"calibration is measured of binary and regression models, not of {task}"
        return self._cost_misfit()

    def _cost_misfit(self) -> tuple[tuple[str, ...], str] | None:
        """A metric that can't be compared under the stated threshold, or without one."""
        stated = self.threshold or StatedNeed(recall=0.5)
        if stated.cost is None:
            for field, named in (("metrics", self.metrics), ("level", self.level)):
                if "cost" in named:
                    return (field, "cost"), "what decisions cost is not known; state it under `threshold: {cost: …}`"
        if stated.cost is None and stated.precision is None:
            return None
        for name in (*_DECISIONS, "false_positive_rate"):
            if name in self.metrics:
                words = "a threshold for precision or cost moves with the rows, so two models' decisions don't compare"
                return ("metrics", name), f"{words}; write roc_auc, pr_auc, log_loss, brier or cost"
        return None

    def margins(self, task: str, scored: bool) -> dict[str, Margin]:
        """Metrics and margins: those that are written, else the defaults of the task.

        Binary with probabilities: `roc_auc` 0.01, which no class share moves, and `brier` 5 % of the live model's,
        which sees probabilities that are off. Without: `balanced_accuracy` 0.01, as plain accuracy calls a model good
        that never finds a rare class. Several classes: `accuracy` 0.01, and `log_loss` 5 % with probabilities.
        Regression: `mae` 5 %, a share because its unit is the label's. Ranking: `ndcg@10` 0.01. Where costs are stated,
        `cost` 5 % besides.
        """
        usual = self.metrics or _DEFAULTS.get((task, scored)) or _DEFAULTS.get((task, False), {})
        costs = self.threshold is not None and self.threshold.cost is not None
        return {"cost": _TWENTIETH} | usual if costs else usual


_HUNDREDTH, _TWENTIETH = Margin(margin=0.01), Margin(margin="5 %")
_DEFAULTS: dict[tuple[str, bool], dict[str, Margin]] = {
    ("binary", True): {"roc_auc": _HUNDREDTH, "brier": _TWENTIETH},
    ("binary", False): {"balanced_accuracy": _HUNDREDTH},
    ("multiclass", True): {"accuracy": _HUNDREDTH, "log_loss": _TWENTIETH},
    ("multiclass", False): {"accuracy": _HUNDREDTH},
    ("regression", False): {"mae": _TWENTIETH},
    ("ranking", False): {"ndcg@10": _HUNDREDTH},
}
