"""Whatever a model holds, its YAML reads back as the same model."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.model import Column, ColumnNotes, Constraints, Model, Note, Override, Role, Task, TextFormat, Type
from watchkeeper.model.yaml_file import dump, parse
from watchkeeper.model.yaml_text import scalar
from watchkeeper.model.yaml_tree import read

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    [
        "yes",
        "No",
        "null",
        "~",
        "1",
        "-1.5",
        "1e5",
        ".inf",
        "2014-01-01",
        "a: b",
        "- a",
        "# a",
        "a #b",
        "0o7",
        "",
        " ",
        "'",
        '"',
        "<<",
        "%",
    ]
)
NUMBERS = st.integers(-(10**40), 10**40) | st.floats(allow_nan=False, allow_infinity=False)
TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001


def maybe(strategy):
    return st.none() | strategy


def fields(type: Type):
    found = {"nullable": maybe(st.booleans()), "unique": maybe(st.booleans())}
    if type is Type.STRING:
        found |= {
            "allowed": maybe(st.lists(TEXTS, min_size=1)),
            "min_length": maybe(st.integers(0, 9)),
            "max_length": maybe(st.integers(9, 99)),
        }
    if type is Type.INTEGER:
        found |= {
            "allowed": maybe(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1)),
            "minimum": maybe(st.integers(max_value=0)),
        }
    if type is Type.NUMBER:
        found |= {"allowed": maybe(st.lists(NUMBERS, min_size=1)), "maximum": maybe(NUMBERS)}
    if type is Type.TIMESTAMP:
        found |= {"minimum": maybe(TIMES)}
    return found


def sentinels(type: Type):
    numbers = st.floats(allow_nan=False)
    if type in (Type.INTEGER, Type.NUMBER):
        return numbers
    return TEXTS if type is Type.TIMESTAMP else numbers | TEXTS


@st.composite
def columns(draw):
    kind, role = draw(st.sampled_from(list(Type))), draw(st.sampled_from(list(Role)))
    declared = {} if role is Role.IGNORED else fields(kind)  # what is not read can't be checked
    return Column(
        type=kind,
        role=role,
        format=draw(maybe(st.sampled_from(["%d-%m-%Y", "iso8601", "epoch_s"]))) if kind is Type.TIMESTAMP else None,
        decimal=draw(st.sampled_from([".", ","])),
        missing=draw(maybe(st.lists(TEXTS))),
        sentinels=draw(st.lists(sentinels(kind))),
        categorical=draw(st.booleans()),
        drift=draw(st.booleans()),
        pii=draw(st.booleans()),
        inferred=draw(maybe(st.builds(Constraints, **fields(kind)))),
        **{name: draw(strategy) for name, strategy in declared.items()},
    )


def overrides(names):
    ignored = maybe(st.booleans() | st.lists(st.sampled_from(names)) if names else st.booleans())
    limits = {"floor": st.floats(0, 0.9), "for": st.integers(1, 99), "severity": st.sampled_from(["info", "alarm"])}
    told = st.fixed_dictionaries({}, optional={"ignore": ignored.filter(lambda held: held is not True), **limits})
    silent = st.just({"ignore": True})
    return st.dictionaries(
        st.sampled_from(["shape", "null_share", "range", "quality", "ndcg@10"]),
        (told | silent).map(Override.model_validate),
    )


@st.composite
def models(draw):
    held = draw(st.dictionaries(TEXTS, columns(), max_size=4))
    for role in (Role.LABEL, Role.TIMESTAMP):
        for name in [name for name, column in held.items() if column.role is role][1:]:
            held[name] = held[name].model_copy(update={"role": Role.FEATURE})
    read = sorted(name for name, column in held.items() if column.role is not Role.IGNORED)
    named = st.lists(st.sampled_from(read), max_size=2) if read else st.just([])
    return Model(
        name=draw(st.from_regex(r"[a-z0-9-]{1,63}", fullmatch=True)),
        task=draw(st.sampled_from(list(Task))),
        columns=held,
        primary_key=draw(named),
        segments=draw(named),
        window=draw(st.sampled_from(["hour", "day", "1000-rows"])),
        checks=draw(overrides(sorted(held))),
        season=draw(maybe(st.sampled_from(["week", "day", "none"]))),
        holidays=draw(st.lists(st.dates(date(1000, 1, 1)), max_size=3)),
        positive=draw(maybe(st.booleans() | NUMBERS | TEXTS)),
        max_quarantine_share=draw(st.floats(0, 1)),
        text=draw(
            st.builds(
                TextFormat, delimiter=st.sampled_from([",", "\t", ";", "|"]), quote=st.sampled_from(['"', "'", None])
            )
        ),
    )


@given(models(), TEXTS)
def test_what_is_written_reads_the_same_whatever_the_comments_say(model, reason):
    notes = {
        name: ColumnNotes({"type": Note(0.5, reason), "role": Note(None, reason)}, (reason,)) for name in model.columns
    }
    about = {"name": Note(1.0, reason), "checks": Note(None, reason), "season": Note(None, reason)}
    again = parse(dump(model, notes=notes, about=about))
    assert again == model
    assert repr(again.positive) == repr(model.positive) or isinstance(model.positive, float)


@given(TEXTS)
def test_a_text_stays_the_same_text(text):
    assert read(f"{scalar(text)}: [{scalar(text)}]", "x").data == {text: [text]}
