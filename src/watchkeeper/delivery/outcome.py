"""What can be said of a delivery only once all of it was read."""

from __future__ import annotations

from watchkeeper.delivery import schema
from watchkeeper.delivery.catalogue import CATALOGUE
from watchkeeper.delivery.encoding import guess
from watchkeeper.delivery.examine import Plan, cells_of, values_of
from watchkeeper.delivery.fingerprint import row_hashes
from watchkeeper.delivery.key import Repeats, keys_of
from watchkeeper.delivery.limit import Limits
from watchkeeper.delivery.piece import Fault, Reader
from watchkeeper.delivery.pipeline import ahead
from watchkeeper.delivery.remedy import REMEDIES, violation
from watchkeeper.delivery.state import State
from watchkeeper.delivery.violation import Level, Violation
from watchkeeper.delivery.wording import column, columns, count
from watchkeeper.model.declaration import Model

FOREIGN_SHARE = 0.05
"""A file with more than this share of rows that are no text, and no right text beyond ASCII, is in another encoding."""


def conclude(
    state: State, name: str, model: Model, plan: Plan, reader: Reader, limits: Limits, expected_rows: int | None
) -> None:
    """Add to `state` what the whole of a delivery shows. `expected_rows`: the manifest's."""
    whole = not any(CATALOGUE[found.check].level is Level.FILE for found in state.violations)
    if whole and state.stores:
        find_repeats(state, plan, reader, limits)
    ledger, rows = state.ledger, state.rows
    state.bad = ledger.count(rows)
    found = state.violations
    foreign = sum(entry.rows.size for entry in ledger.entries() if entry.check == "invalid_bytes")
    if foreign > FOREIGN_SHARE * rows and not state.multibyte:
        found.append(_foreign(state, name, foreign))
    elif whole and not rows:
        words = f"{name} holds no row of data."
        found.append(
            Violation("no_rows", words, "Ask the sender whether the job that writes it found nothing to write.")
        )
    elif whole and state.bad == rows:
        words = f"{name}: all {count(rows, 'row')} are bad, so nothing is left to load."
        found.append(Violation("no_good_row", words, _worst(state), (), 1.0, rows))
    elif whole and state.bad > model.max_quarantine_share * rows:
        share = f"({state.bad / rows:.1%}), more than the {model.max_quarantine_share:.1%} that are allowed"
        words = f"{name}: {state.bad:,} of {rows:,} rows are bad {share}."
        found.append(Violation("quarantine_share", words, _worst(state), (), state.bad / rows, state.bad))
    if whole and expected_rows is not None and rows != expected_rows:
        words = f"{name} has {count(rows, 'row')}, its manifest says {expected_rows:,}."
        remedy = "Ask the sender to deliver it again: rows were lost or added on the way."
        found.append(Violation("manifest_rows", words, remedy, (), float(rows), rows))
    if state.names and whole:
        found += schema.missing(name, list(state.names), model) + schema.extra_columns(name, list(state.names), model)
    found += [violation(entry, name, rows, model) for entry in ledger.entries()]
    found += _exchanges(state, name)
    if state.empty_lines:
        words = f"{name}: {count(state.empty_lines, 'line')} without any value left out; they are no rows."
        remedy = "Nothing to do; spreadsheets leave such lines at the end of a file."
        found.append(Violation("empty_lines", words, remedy, rows=state.empty_lines))


def find_repeats(state: State, plan: Plan, reader: Reader, limits: Limits) -> None:
    """Read a second time where keys may be repeated, and compare the rows that hold them."""
    doubtful = [(store, Repeats(suspects)) for store in state.stores if len(suspects := store.suspects())]
    if not doubtful:
        return
    names = list(state.names) or None
    first = 1
    for piece in ahead(reader.pieces(names), limits.workers):
        content = row_hashes([cells_of(piece, i) for i in range(piece.cells.num_columns)], piece.cells.num_rows)
        for store, repeats in doubtful:
            key_columns = [values_of(plan, piece, name) for name in store.columns]
            repeats.add(first, piece.places, keys_of(key_columns), key_columns, content)
        first += piece.count
    for store, repeats in doubtful:
        label = columns(store.columns)
        copies, conflicts = repeats.found()
        check = "duplicate_key" if store.primary else "constraint"
        for rule, rows in (
            (f"{label} repeats in an exact copy of an earlier row", copies),
            (f"{label} repeats with other content", conflicts),
        ):
            fault = Fault(check, rule, rows - 1, store.columns, repeats.labels(rows), REMEDIES["duplicate_key"])
            state.ledger.add(1, state.rows, fault)


def _foreign(state: State, name: str, rows: int) -> Violation:
    """The file is written in another encoding as a whole."""
    seems = guess(state.not_text)
    words = (
        f"{name} is not in the declared encoding as a whole: {rows:,} of {state.rows:,} rows hold bytes that are no "
        f"text in it, and no row holds letters beyond ASCII that are. It seems to be {seems}."
    )
    remedy = f"Ask the sender for the declared encoding, or write `encoding: {seems}` under `text` in the model."
    return Violation("encoding", words, remedy, (), rows / state.rows, rows)


def _exchanges(state: State, name: str) -> list[Violation]:
    """Notes on whole numbers that came as decimal ones."""
    found = []
    for label, number in state.decimals.items():
        with_gaps = bool(state.nulls.get(label))
        check = "type_exchange" if with_gaps else "type_change"
        why = ", as pandas does where some are missing" if with_gaps else ""
        words = (
            f"{name}: {column(label)} holds whole numbers as decimal ones in {number:,} of {state.rows:,} rows{why}."
        )
        found.append(Violation(check, words, REMEDIES[check], (label,), number / state.rows, number))
    return found


def _worst(state: State) -> str:
    """Where to begin: the rule that most rows break."""
    entries = [entry for entry in state.ledger.entries() if CATALOGUE[entry.check].level is Level.ROW]
    worst = max(entries, key=lambda entry: entry.rows.size)
    first = f"Begin with the most frequent fault: {worst.rule} ({count(worst.rows.size, 'row')})."
    return f"{first} Ask the sender to deliver the file again."
