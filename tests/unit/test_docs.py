"""Nothing that a user can name is without documentation: checks, commands, flags, public names, fields of the YAML."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

import watchkeeper
from watchkeeper.checks import BUILT_IN
from watchkeeper.cli.app import app
from watchkeeper.delivery import CATALOGUE
from watchkeeper.model import (
    OUTSIDE,
    Charter,
    Column,
    Config,
    Constraints,
    Intake,
    Model,
    Need,
    Notify,
    Override,
    Role,
    Task,
    TextFormat,
    Type,
)
from watchkeeper.model.bounds import Bounds
from watchkeeper.model.mlflow import Mlflow
from watchkeeper.model.need import BETTER
from watchkeeper.state import Role as TokenRole

DOCS = Path(__file__).parents[2] / "docs"


def page(name):
    return (DOCS / name).read_text(encoding="utf-8")


def headings(folder):
    """All headings of the pages in a folder, without their marks."""
    lines = (line for path in sorted((DOCS / folder).glob("*.md")) for line in path.read_text("utf-8").splitlines())
    return [line.lstrip("# ").replace("`", "") for line in lines if line.startswith("#")]


@pytest.mark.parametrize("name", sorted({check.name for check in BUILT_IN} | set(CATALOGUE)))
def test_every_check_has_a_page_or_a_heading_of_its_own(name):
    assert (DOCS / "checks" / f"{name}.md").exists() or any(name in heading.split() for heading in headings("checks"))


def commands(command, words=("watchkeeper",)):
    """Each command with the words that call it."""
    yield " ".join(words), command
    for name, below in getattr(command, "commands", {}).items():
        if not below.hidden:
            yield from commands(below, (*words, name))


EVERY = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("name", EVERY)
def test_every_command_and_flag_stands_in_the_reference(name):
    section = re.search(
        rf"^#+ `{re.escape(name)}`\n(.*?)(?=^#+ `watchkeeper|\Z)", page("reference/cli.md"), re.MULTILINE | re.DOTALL
    )
    assert section, f"docs/reference/cli.md has no heading `{name}`"
    flags = [flag for option in EVERY[name].params for flag in option.opts if flag.startswith("--")]
    missing = [flag for flag in flags if f"`{flag}" not in section[1]]
    assert not [flag for flag in missing if flag != "--help" and "completion" not in flag]


@pytest.mark.parametrize("name", sorted(set(watchkeeper.__all__)))
def test_every_public_name_stands_in_the_reference_and_has_a_docstring(name):
    assert re.search(rf"^::: watchkeeper\.([a-z_]+\.)*{name}$|`{name}`", page("reference/python.md"), re.MULTILINE)
    thing = getattr(watchkeeper, name)
    assert isinstance(thing, str) or thing.__doc__


@pytest.mark.parametrize("kind", [Charter, Model, Column, Constraints, Override, TextFormat])
def test_every_field_of_the_yaml_stands_in_its_guide(kind):
    fields = [field.alias or name for name, field in kind.model_fields.items()]
    missing = [field for field in fields if f"`{field}`" not in page("guides/model.md")]
    assert not missing


def test_every_line_of_the_gate_stands_in_its_guide_with_its_metrics():
    missing = [line for line in (*Need.__annotations__, *BETTER) if f"`{line}" not in page("guides/gate-statistics.md")]
    assert set(missing) <= {"ndcg@5", "ndcg@10", "recall@5", "recall@10"}


def test_every_bound_and_every_check_of_the_gate_stands_in_its_guide():
    source = Path(watchkeeper.__file__).parent / "release"
    texts = "".join(path.read_text("utf-8") for path in source.rglob("*.py"))
    checks = set(re.findall(r'(?:Checked|Question)\("([a-z_]+)"', texts)) - {"quality", "like_the_gated"}
    assert len(checks) > 15
    assert not [name for name in (*Bounds.model_fields, *checks) if f"`{name}`" not in page("guides/gate.md")]


@pytest.mark.parametrize("kind", [Role, Task, Type])
def test_every_word_that_the_yaml_knows_stands_in_its_guide(kind):
    missing = [word.value for word in kind if f"`{word.value}`" not in page("guides/model.md")]
    assert not missing


def test_every_field_of_a_home_s_config_and_every_role_of_a_token_stands_in_its_guide():
    words = [*Config.model_fields, *Intake.model_fields, *Notify.model_fields, *Mlflow.model_fields, *TokenRole]
    assert not [word for word in words if f"`{word}`" not in page("guides/state.md")]


@pytest.mark.parametrize("metric", [metric for metrics in OUTSIDE.values() for metric in metrics])
def test_all_that_is_judged_of_services_and_pipelines_stands_in_its_guide(metric):
    assert f"| `{metric}`" in page("guides/pipelines.md")


def test_every_page_can_be_reached():
    """Checks and decisions are listed by their folder's index; all other pages stand in the navigation."""
    navigation = (DOCS.parent / "mkdocs.yml").read_text("utf-8")
    for path in sorted(DOCS.rglob("*.md")):
        index = path.with_name("index.md")
        listed = index.exists() and f"({path.name}" in index.read_text("utf-8")
        assert listed or path.relative_to(DOCS).as_posix() in navigation, path


def test_the_readme_starts_with_exactly_two_commands():
    start = (DOCS.parent / "README.md").read_text("utf-8").split("## Start", 1)[1]
    block = re.search(r"```sh\n(.*?)```", start, re.DOTALL)
    assert len(block[1].splitlines()) == 2
