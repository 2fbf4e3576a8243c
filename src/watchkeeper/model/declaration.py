"""What a user declares about a model: its columns, their types and roles, its windows and its budget."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from watchkeeper.model.charter import Charter
from watchkeeper.model.constraint import Constraints, Scalar, Strict, Type, asked, misfits, mistake
from watchkeeper.model.error import WatchkeeperError
from watchkeeper.model.mistake import no_column
from watchkeeper.model.need import Need
from watchkeeper.model.override import Judged, Override, misfit
from watchkeeper.model.rollback import Rollback
from watchkeeper.model.text_encoding import USUAL, is_text_encoding
from watchkeeper.model.time_format import format_fault

__all__ = ["Column", "Constraints", "Model", "Override", "Role", "Scalar", "Task", "TextFormat", "Type"]


class UnknownImportance(WatchkeeperError):
    """Importances were given that can't be told by column."""


class Role(StrEnum):
    """What a column is for."""

    ID = "id"
    TIMESTAMP = "timestamp"
    FEATURE = "feature"
    PREDICTION = "prediction"
    SCORE = "score"
    LABEL = "label"
    LABEL_TIME = "label_time"
    VERSION = "version"
    SEGMENT = "segment"
    PROTECTED = "protected"
    POSITION = "position"
    QUERY = "query"
    PROPENSITY = "propensity"
    WEIGHT = "weight"
    IGNORED = "ignored"


ONLY_ONE = (Role.LABEL, Role.TIMESTAMP)
"""Roles that at most one column has."""


class Task(StrEnum):
    """What the model predicts."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"
    RANKING = "ranking"
    NONE = "none"


class Column(Constraints):
    """One column of the data."""

    type: Type
    """What its values are: integer, number, boolean, string, timestamp or other."""
    role: Role = Role.FEATURE
    """What it is for."""
    format: str | None = None
    """How a timestamp is written as text, in strptime's letters (`%d-%m-%Y`), or `iso8601`, `epoch_s`, `epoch_ms`."""
    decimal: Literal[".", ","] = "."
    """The decimal mark of numbers in text files."""
    missing: list[str] | None = None
    """Texts that mean "no value"; without it, only the empty text."""
    sentinels: list[float | str] = Field(default_factory=list)
    """Values that stand for a missing one, such as -200 or 9999-12-31: counted as null."""
    categorical: bool = False
    """Whether integers are codes: counted value by value, never averaged."""
    drift: bool = True
    """Whether the distribution is watched; not so for identifiers and near-unique text."""
    importance: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """How much the model goes by it, in any unit that is the same for all columns: it decides what pages."""
    pii: bool = False
    """Whether values are personal: masked in everything made for people."""
    inferred: Constraints | None = None
    """What `init` saw. Move a line up, beside `type`, to declare it."""

    @field_validator("sentinels", mode="before")
    @classmethod
    def _dates_are_texts(cls, sentinels: object) -> object:
        if not isinstance(sentinels, list):
            return sentinels
        return [value.isoformat() if isinstance(value, date) else value for value in sentinels]

    @field_validator("format")
    @classmethod
    def _format_is_known(cls, format: str | None) -> str | None:
        if format is not None and (fault := format_fault(format)):
            raise mistake(fault)
        return format

    @model_validator(mode="after")
    def _lines_fit_the_type(self) -> Column:
        for field, fault in misfits(self.type, self):
            raise mistake(fault, field)
        for field, fault in misfits(self.type, self.inferred) if self.inferred else ():
            raise mistake(fault, "inferred", field)
        if self.role is Role.IGNORED and (held := next(asked(self), None)):
            words = f"an ignored column is not read, so its {held} can't be checked"
            raise mistake(f"{words}; give it another role with `drift: false`, or take the line out", held)
        if self.format is not None and self.type is not Type.TIMESTAMP:
            raise mistake(f"only a timestamp has a format, and this column is of type {self.type}", "format")
        if wrong := self._sentinel_fault():
            raise mistake(wrong, "sentinels")
        return self

    def _sentinel_fault(self) -> str | None:
        """What is wrong with a sentinel, or None."""
        texts = [value for value in self.sentinels if isinstance(value, str)]
        if texts and self.type in (Type.INTEGER, Type.NUMBER):
            hint = f"take {texts[0]!r} out of quotes if it is one, or write it under `missing` if it is a text"
            return f"sentinels of type {self.type} are numbers; {hint}"
        if len(texts) < len(self.sentinels) and self.type is Type.TIMESTAMP:
            return "sentinels of a time are dates such as 9999-12-31; write other texts and numbers under `missing`"
        return None


class TextFormat(Strict):
    """How text files are written."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """The character between two cells of a CSV file."""
    quote: Annotated[str, Field(min_length=1, max_length=1)] | None = '"'
    """The character around cells that hold delimiters or line breaks; null if quotes are plain text."""
    encoding: str = "utf-8"
    """The encoding of the file."""
    header: bool = True
    """Whether the first line names the columns."""

    @field_validator("encoding")
    @classmethod
    def _encoding_is_known(cls, encoding: str) -> str:
        if not is_text_encoding(encoding):
            raise mistake(f"{encoding!r} is no encoding of text files; write for example {', '.join(USUAL)}")
        return encoding


_BUDGET = re.compile(r"(\d+(?:\.\d+)?) per (day|week|month|quarter|year)")
_NAME = re.compile(r"[a-z0-9-]{1,63}")
_WINDOW = re.compile(r"hour|day|week|month|[1-9]\d{0,11}-rows")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class Model(Strict):
    """A model to watch, as written in `watchkeeper.yaml`."""

    name: str
    """A short name: letters a-z, digits and hyphens."""
    task: Task = Task.NONE
    """What it predicts: binary, multiclass, regression, ranking, or none for plain data."""
    columns: dict[str, Column]
    """The columns, by name."""
    primary_key: list[str] = Field(default_factory=list)
    """The columns that together name a row."""
    window: str = "day"
    """The span that a profile covers: hour, day, week, month, or a count such as 1000-rows."""
    segments: list[str] = Field(default_factory=list)
    """Columns whose values are watched one by one."""
    positive: Scalar | None = None
    """The label that a binary model's score speaks for."""
    alarm_budget: str = "1 per month"
    """How many false alarms you accept."""
    warning_budget: str = "1 per week"
    """How many false warnings you accept."""
    checks: dict[Judged, Override] = Field(default_factory=dict)
    """What is judged otherwise, by the name of a metric, or of a check for all its metrics."""
    season: Literal["week", "day", "none"] | None = None
    """Which windows are alike: those of one weekday, of one hour of the day, or all; found in the data if not said."""
    holidays: list[date] = Field(default_factory=list)
    """Days (UTC) unlike others: no window that holds part of one is told louder than a warning."""
    rollback: Rollback | None = None
    """From which harm on a version that went live is rolled back by itself; without it, none ever is."""
    max_quarantine_share: Annotated[float, Field(ge=0, le=1)] = 1.0
    """The share of bad rows above which a file is rejected."""
    cell_limit: Annotated[int, Field(ge=1)] = 65_536
    """The most bytes one cell may have."""
    text: TextFormat = TextFormat()
    """How text files are written: delimiter, quotes, encoding, header."""
    charter: Charter = Charter()
    """What it is for, who answers for it, and what it must not be used for."""
    gate: Need = Need()
    """What a candidate must show before it goes live."""

    @field_validator("name")
    @classmethod
    def _name_is_short(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise mistake("use 1 to 63 of the letters a-z, digits and hyphens")
        return name

    @field_validator("window")
    @classmethod
    def _window_is_a_span(cls, window: str) -> str:
        if not _WINDOW.fullmatch(window):
            raise mistake("write hour, day, week, month, or a count of rows such as 1000-rows")
        return window

    @field_validator("alarm_budget", "warning_budget")
    @classmethod
    def _budget_is_a_rate(cls, budget: str) -> str:
        if not _BUDGET.fullmatch(budget):
            raise mistake("write a number per day, week, month, quarter or year, such as '1 per month'")
        return budget

    @field_validator("checks")
    @classmethod
    def _overrides_can_hold(cls, checks: dict[str, Override]) -> dict[str, Override]:
        for name, override in checks.items():
            if found := misfit(name, override):
                field, fault = found
                raise mistake(fault, name, field)
        return checks

    @field_validator("holidays", mode="before")
    @classmethod
    def _holidays_are_days(cls, days: object) -> object:
        for place, day in enumerate(days if isinstance(days, list) else ()):
            if type(day) is not date and not (isinstance(day, str) and _DAY.fullmatch(day)):
                raise mistake("write a day such as 2026-12-25", place)
        return days

    @model_validator(mode="after")
    def _named_columns_exist(self) -> Model:
        ignored = ((("checks", name, "ignore"), rule.ignore) for name, rule in self.checks.items())
        for path, named in ((("primary_key",), self.primary_key), (("segments",), self.segments), *ignored):
            for place, column in enumerate(named if isinstance(named, list) else ()):
                if column not in self.columns:
                    raise mistake(no_column(column, self.columns), *path, place)
        return self

    @model_validator(mode="after")
    def _gate_fits_the_task(self) -> Model:
        if self.gate != Need() and (found := self.gate.misfit(self.task)):
            path, fault = found
            raise mistake(fault, "gate", *path)
        for place, column in enumerate(self.gate.segments or ()):
            if column not in self.columns:
                raise mistake(no_column(column, self.columns), "gate", "segments", place)
        return self

    @model_validator(mode="after")
    def _keys_are_read(self) -> Model:
        for place, column in enumerate(self.primary_key):
            if self.columns[column].role is Role.IGNORED:
                words = f"the column {column!r} is ignored, and a key column can't be; give it `role: id`"
                raise mistake(f"{words}, or take it out of the key", "primary_key", place)
        return self

    @model_validator(mode="after")
    def _one_column_is_the_truth(self) -> Model:
        for role in ONLY_ONE:
            names = list(self.with_role(role))
            if len(names) > 1:
                words = f"{names[0]!r} and {names[1]!r} both are the {role}, and there is but one"
                raise mistake(f"{words}; give one of them another role", "columns", names[1], "role")
        return self

    def with_role(self, role: Role) -> Iterator[str]:
        """Names of the columns that have `role`, in file order."""
        return (name for name, column in self.columns.items() if column.role is role)

    @property
    def importance(self) -> dict[str, float]:
        """What share of all declared importance each column has."""
        declared = {name: column.importance for name, column in self.columns.items() if column.importance is not None}
        total = sum(declared.values())
        return {name: own / total for name, own in declared.items()} if total > 0 else {}

    def weighed(self, importances: Mapping[str, float] | Any) -> Model:
        """The same with these importances of columns: a mapping, or a fitted estimator that tells its own.

        An estimator has `feature_importances_`, and `feature_names_in_` or `feature_name_`, as those of scikit-learn,
        LightGBM and XGBoost do. Raises `UnknownImportance`.
        """
        told = importances if isinstance(importances, Mapping) else _importances_of(importances)
        unknown = next((name for name in told if name not in self.columns), None)
        if unknown is not None:
            raise UnknownImportance(f"an importance is given for {unknown!r}. {no_column(unknown, self.columns)}")
        columns = {
            name: column.model_copy(update={"importance": float(told[name])}) if name in told else column
            for name, column in self.columns.items()
        }
        return Model.model_validate(self.model_copy(update={"columns": columns}).model_dump(exclude_defaults=True))

    def only(self, role: Role) -> str | None:
        """Name of the first column with `role`, or None."""
        return next(self.with_role(role), None)


def _importances_of(estimator: Any) -> dict[str, float]:
    """By column what a fitted estimator says of it. Raises `UnknownImportance`."""
    values = getattr(estimator, "feature_importances_", None)
    names = getattr(estimator, "feature_names_in_", None)
    names = getattr(estimator, "feature_name_", None) if names is None else names
    if values is None or names is None:
        raise UnknownImportance(
            f"{type(estimator).__name__} has no feature_importances_ by name. Give a mapping from column to number, "
            "such as what sklearn.inspection.permutation_importance measures."
        )
    return dict(zip(map(str, names), map(float, values), strict=True))
