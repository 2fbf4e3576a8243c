"""A result on one screen of a terminal: the answer first, worst findings first, what was written last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from watchkeeper.report import mask, words
from watchkeeper.report.answer import Answer, Level, answer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from watchkeeper.report.group import Group
    from watchkeeper.report.result import Result

MOST_GROUPS = 5
MOST_LINES = 16
"""After so many lines of findings no further one is begun, so that all fits on one screen."""
MOST_ROWS = 3

MARKS = {"fine": "✓", "info": "·", "warning": "▲", "alarm": "■"}
# Okabe-Ito: the same colour has the same meaning in every output.
COLOURS = {"fine": "#009E73", "info": "#56B4E9", "warning": "#E69F00", "alarm": "#D55E00"}
_ASCII = str.maketrans({"✓": "+", "·": "-", "▲": "!", "■": "x", "→": ">", "–": "-", "−": "-", "…": "~", "∞": "inf"})
_LABEL = 10


def print_result(result: Result, console: Console, *, brief: bool = False) -> None:
    """Print a result: coloured on a terminal, plain text elsewhere, 60 to 120 characters wide.

    `brief`: in some ten lines, without what a page that was written tells too; since when the first finding is stands
    in the headline.
    """
    told = answer(result)
    _first_lines(result, told, console)
    if told.groups:
        line(console, "", "")
    shown, lines, remedies = 0, 0, set[str]()
    for group in told.groups[:MOST_GROUPS]:
        if shown and lines > MOST_LINES:
            break
        lines += _finding(group, console, known=group.remedy in remedies, brief=brief, first=not shown)
        remedies.add(group.remedy)
        shown += 1
    if len(told.groups) > shown:
        line(
            console,
            "",
            f"{words.plural(len(told.groups) - shown, 'more finding')}; {_where_all(result)}",
            "dim",
            indent=4,
        )
    line(console, "", "")
    for label, text in _facts(result, told):
        if text and (label == "wrote" or not brief):
            style = "dim" if label == "fine" else ""
            line(console, f"  {label}", text, style, indent=_LABEL + 2, broken=label != "wrote")


def _first_lines(result: Result, told: Answer, console: Console) -> None:
    colour = COLOURS[told.level]
    text = " ".join(part for part in (told.headline, told.since, told.how_bad) if part)
    line(console, f"{MARKS[told.level]} {told.verdict}:", text, "", f"bold {colour}", indent=2)
    compared = f"{words.inert(result.current_name)}, compared with {words.inert(result.baseline_name)}"
    line(console, "", compared, "dim", indent=2)


def _finding(group: Group, console: Console, *, known: bool, brief: bool, first: bool) -> int:
    """Print a finding, without its remedy where that is `known` from one above; returns the number of lines."""
    severity = str(group.severity)
    also = f"Also: {group.also}." if group.also else ""
    parts = (group.sentence, "" if brief and first else group.when, "" if brief else also)
    text = " ".join(part for part in parts if part)
    lines = line(console, f"  {MARKS[severity]}", text, "", COLOURS[severity], indent=4)
    return (
        lines if known or brief or not group.remedy else lines + line(console, "", f"→ {group.remedy}", "dim", indent=4)
    )


def _facts(result: Result, told: Answer) -> list[tuple[str, str]]:
    notes = [mask.message(finding, result.model, 200) for finding in told.told]
    more = f" And {words.plural(len(notes) - 2, 'more note')}." if len(notes) > 2 else ""
    facts = [
        ("fine", told.fine if told.level is not Level.FINE or result.profiles is not None else ""),
        ("rows", _rows(result)),
        ("baseline", told.baseline),
        ("notes", " ".join(notes[:2]) + more),
    ]
    took = f" in {words.duration(result.seconds)}" if result.seconds else ""
    if result.written:
        facts.append(("wrote", f"{words.join([words.inert(str(path), 1_000) for path in result.written])}{took}"))
    elif took:
        facts.append(
            ("took", f"{words.duration(result.seconds)}; nothing was written (--html report.html shows the evidence)")
        )
    return facts


def _rows(result: Result) -> str:
    counts = f"{result.rows_read:,} read, {result.rows_good:,} good, {result.rows_quarantined:,} set aside"
    if not result.quarantined:
        return f"{counts}."
    examples = []
    for bad in result.quarantined[:MOST_ROWS]:
        file = f"{words.inert(bad.file)} " if bad.file else ""
        examples.append(f"{file}row {bad.row:,}: {mask.reason(bad, result.model, 100)}")
    return f"{counts}: {'; '.join(examples)}{' …' if result.rows_quarantined > len(examples) else '.'}"


def _where_all(result: Result) -> str:
    page = next((path for path in result.written if path.suffix == ".html"), None)
    return f"{words.inert(str(page), 1_000)} shows them all" if page else "--html report.html shows them all"


def line(
    console: Console,
    label: str,
    body: str,
    style: str = "",
    label_style: str = "",
    *,
    indent: int = 0,
    broken: bool = True,
) -> int:
    """One paragraph after a label, its further lines indented; no spaces at line ends. Returns the number of lines.

    `broken`: whether words longer than a line are, or stay whole, so that they can be copied.
    """
    from rich.text import Text

    width = min(max(console.width, 60), 120)
    before, after = speakable(label, console), speakable(body, console)
    gap = max(indent - len(before), 1) if before else indent
    lead = Text(before, style=label_style) + Text(" " * gap)
    text = Text(after, style=style)
    text.highlight_regex(r"`[^`]+`", "bold")
    head, rest = _wrapped(text, width - len(lead), width - indent, console, broken=broken)
    console.print((lead + head) if after else lead[: len(before)], soft_wrap=True, highlight=False)
    for line in rest:
        console.print(Text(" " * indent) + line, soft_wrap=True, highlight=False)
    return 1 + len(rest)


def _wrapped(text: Text, first: int, width: int, console: Console, *, broken: bool) -> tuple[Text, list[Text]]:
    """The first line of at most `first` characters, and the other lines of at most `width`."""
    overflow: Literal["fold", "ignore"] = "fold" if broken else "ignore"
    lines = list(text.wrap(console, first, overflow=overflow))
    if len(lines) < 2 or first == width:
        head, rest = lines[0] if lines else text, lines[1:]
    else:
        head, remainder = lines[0], text[len(lines[0].plain) :]
        remainder = remainder[len(remainder.plain) - len(remainder.plain.lstrip()) :]
        rest = list(remainder.wrap(console, width, overflow=overflow))
    for line in (head, *rest):
        line.rstrip()
    return head, rest


def speakable(text: str, console: Console) -> str:
    """The text in letters that the terminal's encoding has."""
    if not console.options.ascii_only:
        return text
    return text.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")
