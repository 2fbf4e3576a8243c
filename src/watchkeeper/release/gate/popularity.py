"""Popularity: the naive baseline of rankings, by what was asked for in training whatever the query."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from watchkeeper.delivery import deliver
from watchkeeper.model import Model, Role
from watchkeeper.profiles.quality_cells import class_counts, codes, in_order
from watchkeeper.release.gate.held import Held
from watchkeeper.release.gate.pairing import numbers_of, pairs
from watchkeeper.release.gate.sides import Sides
from watchkeeper.stats.influence_ranking import RankingRows, ranked

Ints = NDArray[np.int64]


def trained_items(files: Sequence[str], model: Model) -> pa.Table | None:
    """Items and labels of the training rows; None where the files do not have both."""
    columns = {name: model.columns[name] for name in (*model.with_role(Role.ID), *model.with_role(Role.LABEL))}
    alone = model.model_copy(update={"columns": columns, "primary_key": [], "segments": []})
    parts = []
    for file in files:
        delivery = deliver(file, alone, strict=False)
        parts += [block.table.select(list(columns)) for block in delivery.blocks()]
        if delivery.rejected:
            return None
    return pa.concat_tables(parts) if parts else None


def popular(model: Model, held: Held, sides: Sides, past: pa.Table | None) -> RankingRows:
    """Items in the order of their mean label in training; in no order where that is not known.

    Held-out rows could not tell it: with a figure for each item, they would know what came of themselves.
    """
    ranking, label = sides.ranking, next(iter(model.with_role(Role.LABEL)), "")
    assert ranking is not None
    score = np.zeros(len(ranking.query))
    item = _item(model, held.table, ranking.used, ranking.query)
    if past is not None and item is not None and {item, label} <= set(past.column_names):
        tables = pa.table({"then": past[item]}), pa.table({"now": held.table[item].take(pa.array(ranking.used))})
        names = in_order({name for table in tables for name in class_counts(table, table.column_names[0])})
        (then, known), (now, here) = codes(tables[0], ["then"], names)[0], codes(tables[1], ["now"], names)[0]
        relevance = numbers_of(past[label].to_numpy())
        usable = known & np.isfinite(relevance)
        total = np.bincount(then[usable], relevance[usable], len(names))
        count = np.bincount(then[usable], minlength=len(names))
        usual = total.sum() / max(count.sum(), 1)
        score = np.where(here, ((total + usual) / (count + 1))[now], usual)
    return ranked(ranking.query, ranking.relevance, score)[1]


def _item(model: Model, table: pa.Table, used: Ints, query: Ints) -> str | None:
    """The id column that names what is ranked: each once in a query, some in several."""
    for name in model.with_role(Role.ID):
        if name in table.column_names:
            asked, items = pairs(query, table[name].take(pa.array(used)).combine_chunks())
            if asked == len(query) and items < len(query):
                return name
    return None
