"""Nothing that a user can name stands without documentation: checks, commands, flags, public names, fields of the YAML."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

import watchkeeper
from watchkeeper.checks import BUILT_IN
from watchkeeper.cli.app import app
from watchkeeper.delivery import CATALOGUE
from watchkeeper.model import Column, Constraints, Model, Role, Task, TextFormat, Type

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
    missing = [flag for flag in flags if f"`{flag}" not in section[1] and flag not in ("--help", "--install-completion")]
    assert not [flag for flag in missing if "completion" not in flag]


@pytest.mark.parametrize("name", sorted(set(watchkeeper.__all__)))
def test_every_public_name_stands_in_the_reference_and_has_a_docstring(name):
    assert re.search(rf"^::: watchkeeper\.([a-z_]+\.)*{name}$|`{name}`", page("reference/python.md"), re.MULTILINE)
    thing = getattr(watchkeeper, name)
    assert isinstance(thing, str) or thing.__doc__


@pytest.mark.parametrize("kind", [Model, Column, Constraints, TextFormat])
def test_every_field_of_the_yaml_stands_in_its_guide(kind):
    missing = [field for field in kind.model_fields if f"`{field}`" not in page("guides/model.md")]
    assert not missing


@pytest.mark.parametrize("kind", [Role, Task, Type])
def test_every_word_that_the_yaml_knows_stands_in_its_guide(kind):
    missing = [word.value for word in kind if f"`{word.value}`" not in page("guides/model.md")]
    assert not missing


def test_every_page_is_in_the_navigation():
    """Decisions are listed by their folder's index; all other pages are named in mkdocs.yml."""
    navigation = (DOCS.parent / "mkdocs.yml").read_text("utf-8")
    index = page("decisions/index.md")
    for path in sorted(DOCS.rglob("*.md")):
        name = path.relative_to(DOCS).as_posix()
        assert name in navigation or (path.parent.name == "decisions" and path.name in index), name
