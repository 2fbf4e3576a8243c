"""What a person declares of a check or a metric: ignored, or told later, more quietly, from a larger change on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from importlib.metadata import entry_points
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from watchkeeper.model.constraint import Strict, mistake
from watchkeeper.model.mistake import no_such

JUDGED = {
    "rows": ("rows",),
    "freshness": ("freshness",),
    "null_share": ("null_share",),
    "invalid_share": ("invalid_share",),
    "shape": ("shape",),
    "spike": ("spike",),
    "range": ("range_low", "range_high"),
    "unseen_share": ("unseen_share",),
    "rise": ("rise",),
    "correlation": ("correlation",),
    "reconstruction_error": ("reconstruction_error",),
    "mmd": ("mmd",),
    "series_error": ("series_error",),
    "quality": ("roc_auc", "calibration_error", "accuracy", "f1", "log_loss", "mae", "bias", "ndcg@10"),
}
"""The built-in checks and the metrics of each that are judged. Installed packages add checks by their entry points."""

OUTSIDE = {
    "service": ("latency_p50", "latency_p95", "latency_p99", "throughput", "error_share", "memory", "cpu"),
    "job": ("failed", "unfinished", "late", "duration", "versions"),
}
"""What a run judges beside the data: the service in which a model answers, and the pipelines that feed it."""

REPORTED = {
    "distances": ("psi", "js_distance", "ks", "wasserstein", "hellinger", "chi2"),
    "summary": ("mean", "median", "iqr", "distinct"),
}
"""Checks, and their metrics, that are shown and never judged."""

KEEP = 7
"""So many quiet windows end an alarm where nothing else is said, and an incident."""

WITHOUT_COLUMN = frozenset({"rows", "reconstruction_error", "mmd", "series_error"})
"""Checks that look at the table as a whole."""

MOST = {
    "correlation": 2.0,
    **dict.fromkeys(("null_share", "invalid_share", "shape", "spike", "unseen_share", "rise"), 1.0),
    **dict.fromkeys(("roc_auc", "calibration_error", "accuracy", "f1", "ndcg@10"), 1.0),
}
"""The largest change that there can be: most metrics are shares."""

_MEANT = {"missing": "null_share", "nulls": "null_share", "drift": "shape", "volume": "rows", "auc": "roc_auc"}


class Override(Strict):
    """What is judged otherwise of one metric, or of all metrics of one check. What isn't written stays as it is."""

    model_config = ConfigDict(serialize_by_alias=True)

    ignore: Annotated[bool, Field(strict=True)] | list[str] | None = None
    """Whether it is shown and never judged: true, or a list of columns. It then takes no share of the budget."""
    floor: Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)] | None = None
    """The smallest change worth telling, in the unit in which the metric's own floor is documented."""
    lasting: Annotated[int, Field(strict=True, ge=1)] | None = Field(default=None, alias="for")
    """How many windows in a row it takes until it is told; 1 where nothing is said."""
    keep_firing_for: Annotated[int, Field(strict=True, ge=0)] | None = None
    """How many quiet windows it takes until its alarm is over; 7 where nothing is said."""
    severity: Literal["info", "warning", "alarm"] | None = None
    """The loudest that it may be."""

    @model_validator(mode="after")
    def _what_is_ignored_has_no_limits(self) -> Override:
        limits = ("floor", "lasting", "keep_firing_for", "severity")
        said = next((name for name in limits if getattr(self, name) is not None), None)
        if self.ignore is True and said is not None:
            field = written(said)
            raise mistake(f"what is ignored is never told, so `{field}` can't hold; take one of the two out", field)
        return self

    def ignores(self, columns: Iterable[str]) -> bool:
        """Whether a measurement of these columns is ignored: one of a pair is enough."""
        return not set(columns).isdisjoint(self.ignore) if isinstance(self.ignore, list) else bool(self.ignore)


def written(field: str) -> str:
    """A field of an override as it is called in YAML."""
    return Override.model_fields[field].alias or field


def override_of(overrides: Mapping[str, Override], check: str, metric: str) -> Override:
    """What holds for a metric of a check: line by line what is said of the metric, else of the check."""
    return reduce(_over, (overrides[name] for name in (check, metric) if name in overrides), Override())


def _over(general: Override, particular: Override) -> Override:
    said = {name: value for name in Override.model_fields if (value := getattr(particular, name)) is not None}
    return general.model_copy(update=said)


def misfit(name: str, override: Override) -> tuple[str, str] | None:
    """A field of an override that can't hold for the check or metric of this name, and why; None if all can."""
    outside = any(name == check or name in of_check for check, of_check in OUTSIDE.items())
    if (name in WITHOUT_COLUMN or outside) and isinstance(override.ignore, list):
        return "ignore", "it is measured of the table as a whole; write `ignore: true` to ignore it"
    if outside and override.lasting is not None:
        return "for", "services and pipelines are told at once; take the line out"
    if name in ("job", *OUTSIDE["job"]) and override.floor is not None:
        return "floor", "what is late and what is long is learned from the job's own runs; take the line out"
    most = MOST.get(name)
    if most is not None and override.floor is not None and override.floor >= most:
        return "floor", (
            f"no change of {name} is larger than {most:g}, so nothing would be told; write less, or `ignore: true`"
        )
    return None


def _known(name: str) -> str:
    judged = JUDGED | OUTSIDE
    metrics = [metric for of_check in judged.values() for metric in of_check]
    known = list(dict.fromkeys([*judged, *metrics]))
    if name in known or name in entry_points(group="watchkeeper.checks").names:
        return name
    if any(name == check or name in of_check for check, of_check in REPORTED.items()):
        raise mistake("it is shown and never judged, so there is nothing to override; take the lines out")
    raise mistake(f"there is no such check or metric. {no_such(name, known, _MEANT)}")


Judged = Annotated[str, AfterValidator(_known)]
"""The name of a check, or of a metric, that is judged."""
