"""Checks of all columns together: right against outside libraries, and each sees what the others cannot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import rbf_kernel

from watchkeeper.budget import Budget, History, judge
from watchkeeper.checks import BUILT_IN, mmd, reconstruction_error, run, series_error
from watchkeeper.checks.run import measured as measurements_of
from watchkeeper.model import Column, Model, Type
from watchkeeper.profiles import FULL_RANK, Baseline, Slice, fit, profile

BIKES = Path(__file__).parents[2] / "data" / "bike_sharing.parquet"
NUMBERS = ("temp", "atemp", "hum", "windspeed", "casual", "registered")
ROWS = 300
HISTORY = History(30, {check.name: check for check in BUILT_IN})


def profiled(edges, columns, rows=ROWS):
    """One window for every `rows` rows."""
    table = columns if isinstance(columns, pa.Table) else pa.table(columns)
    at = np.arange(len(table)) // rows
    return profile(edges, table, at, [Slice(label=f"{i:04d}") for i in range(int(at[-1]) + 1)])


def numeric(names):
    return Model(name="m", columns={name: Column(type=Type.NUMBER) for name in names})


def measured(base, now, check, rows=ROWS):
    edges = fit(numeric(base), [pa.table(base)])
    reference = Baseline(profiled(edges, base, rows), "files")
    return next(measurements_of(profiled(edges, now, rows), reference, [check]), None)


def loud(base, now, rows=ROWS):
    """What the judge says of all that is measured: metric and columns by window."""
    edges = fit(numeric(base), [pa.table(base)])
    found = run(profiled(edges, now, rows), Baseline(profiled(edges, base, rows), "files"), BUILT_IN)
    return judge(found, HISTORY, Budget(1 / 30.4, 1 / 7))


def scores(edges, columns):
    """Rank scores of each row, shape (rows, columns)."""
    found = [edges.columns[name] for name in edges.ranked]
    return np.column_stack(
        [e.ranks[np.searchsorted(e.cuts, columns[n], side="right")] for n, e in zip(edges.ranked, found, strict=True)]
    )


@pytest.fixture(scope="module")
def bikes():
    """Hours of two years, and the same with the last windows' first two columns spoiled."""
    table = pq.read_table(BIKES)
    names = [name for name in NUMBERS if name in table.column_names]
    hours = {name: np.asarray(table[name].cast(pa.float64())) for name in names}
    order = np.random.default_rng(0).permutation(len(table))
    hours = {name: values[order] for name, values in hours.items()}
    split = 30 * ROWS
    now = {name: values[split : split + 6 * ROWS].copy() for name, values in hours.items()}
    a, b = names[:2]
    now[a][3 * ROWS :] = now[a][3 * ROWS :][::-1]
    now[b][4 * ROWS :] += 0.5 * hours[b].std()
    return {name: values[:split] for name, values in hours.items()}, now


def test_reconstruction_error_is_that_of_scikit_learn_on_the_rank_scores(bikes):
    base, now = bikes
    edges = fit(numeric(base), [pa.table(base)])
    before, after = scores(edges, base).astype(float), scores(edges, now).astype(float)
    mean, sd = before.mean(axis=0), before.std(axis=0)
    pca = PCA(n_components=0.65, svd_solver="full").fit((before - mean) / sd)

    def error(rows):
        z = (rows - mean) / sd
        return np.mean(np.sum((z - pca.inverse_transform(pca.transform(z))) ** 2, axis=1))

    expected = [error(part) / error(before) for part in np.split(after, 6)]
    found = measured(base, now, reconstruction_error.CHECK)
    np.testing.assert_allclose(found.value, expected, rtol=1e-9)


def test_mmd_is_that_of_a_gaussian_kernel_within_the_error_of_random_features(bikes):
    base, now = bikes
    edges = fit(numeric(base), [pa.table(base)])
    before, after = scores(edges, base) / FULL_RANK, scores(edges, now) / FULL_RANK
    gamma = 1 / (2 * before.shape[1] / 6)
    inner = rbf_kernel(before, before, gamma).mean()
    distances = [
        rbf_kernel(part, part, gamma).mean() - 2 * rbf_kernel(part, before, gamma).mean() + inner
        for part in np.split(after, 6)
    ]
    chance = (1 - inner) * (1 / ROWS + 1 / len(before))
    expected = np.sqrt(np.maximum(0, np.array(distances) - chance))
    found = measured(base, now, mmd.CHECK)
    np.testing.assert_allclose(np.maximum(0, found.value), expected, rtol=0.25, atol=0.02)
    assert found.value[4:].min() > 0.1


def hidden_dependence(rng, rows, *, bound):
    """Three columns, each as always and no two dependent; where `bound`, two of them decide the sign of the third."""
    a, b, c = rng.normal(size=(3, rows))
    return {"a": a, "b": b, "c": np.abs(c) * np.sign(a * b) if bound else c}


def test_only_mmd_sees_dependence_that_leaves_every_column_and_every_pair_as_it_was():
    rng = np.random.default_rng(1)
    rows = 3 * ROWS
    base = hidden_dependence(rng, 30 * rows, bound=False)
    parts = [hidden_dependence(rng, rows, bound=i == 1) for i in range(3)]
    now = {name: np.concatenate([part[name] for part in parts]) for name in base}
    found = loud(base, now, rows)
    assert {finding.metric for finding in found} == {"mmd"}
    assert [finding.columns for finding in found] == [("a", "b", "c")]
    assert "no column and no pair explains it by itself" in found[0].message.lower()
    error = measured(base, now, reconstruction_error.CHECK, rows)
    assert abs(error.value[1] - 1) < 0.1


def together(rng, rows, *, apart=()):
    """Eight columns that follow one thing; those `apart` do not."""
    common = rng.normal(size=rows)
    return {
        f"c{i}": rng.normal(size=rows) * (np.sqrt(2) if i in apart else 1) + (0 if i in apart else common)
        for i in range(8)
    }


def test_reconstruction_error_names_the_columns_that_no_longer_go_with_the_others():
    rng = np.random.default_rng(2)
    base = together(rng, 30 * ROWS)
    parts = [together(rng, ROWS), together(rng, ROWS, apart=(3, 6))]
    now = {name: np.concatenate([part[name] for part in parts]) for name in base}
    mine = [finding for finding in loud(base, now) if finding.metric == "reconstruction_error"]
    assert len(mine) == 1
    assert set(mine[0].columns) == {"c3", "c6"}
    assert mine[0].value > 1.2
    assert "`c3` and `c6`" in mine[0].message or "`c6` and `c3`" in mine[0].message


def test_many_small_shifts_are_out_of_step_where_none_is_news():
    rng = np.random.default_rng(3)
    base = {f"c{i}": rng.normal(size=30 * ROWS) for i in range(60)}
    now = {name: rng.normal(size=2 * ROWS) for name in base}
    for name in list(base)[:40]:
        now[name][ROWS:] += 0.12
    found = loud(base, now)
    assert "series_error" in {finding.metric for finding in found}
    assert "shape" not in {finding.metric for finding in found}
    mine = next(finding for finding in found if finding.metric == "series_error")
    assert 1 <= len(mine.columns) <= 5
    assert len(set(mine.columns) & set(list(base)[:40])) > len(mine.columns) / 2


def test_windows_in_which_nothing_happens_are_quiet():
    rng = np.random.default_rng(4)
    base = together(rng, 30 * ROWS)
    now = together(rng, 60 * ROWS)
    edges = fit(numeric(base), [pa.table(base)])
    found = run(profiled(edges, now), Baseline(profiled(edges, base), "files"), BUILT_IN)
    for metric in ("reconstruction_error", "mmd", "series_error"):
        evidence = next(m.evidence for m in found if m.metric == metric)
        assert np.mean(evidence > np.log(20)) < 0.15
        assert evidence.max() < np.log(1_000)


def test_series_need_ten_windows_and_reconstruction_three_columns():
    rng = np.random.default_rng(5)
    base = {name: rng.normal(size=9 * ROWS) for name in ("a", "b")}
    assert measured(base, base, series_error.CHECK) is None
    assert measured(base, base, reconstruction_error.CHECK) is None
    assert measured(base, base, mmd.CHECK) is not None
    assert measured({"a": base["a"]}, {"a": base["a"]}, mmd.CHECK) is None


@pytest.mark.parametrize("check", [mmd.CHECK, reconstruction_error.CHECK, series_error.CHECK], ids=lambda c: c.name)
def test_a_value_at_the_end_of_the_band_has_just_the_evidence_of_the_threshold(check, bikes):
    base, now = bikes
    found = measured(base, now, check)
    low, high = found.band(found.evidence)
    far = (found.evidence > 0.8) & (found.evidence < 100)
    assert far.any()
    nearest = np.where(np.abs(found.value - low) < np.abs(found.value - high), low, high)
    np.testing.assert_allclose(nearest[far], found.value[far], rtol=1e-6, atol=1e-9)


def test_rows_without_values_and_columns_without_variance_break_nothing():
    rng = np.random.default_rng(6)
    base = together(rng, 12 * ROWS) | {"same": np.full(12 * ROWS, 3.0)}
    now = {name: pa.array(values[: 3 * ROWS]) for name, values in base.items()}
    gone = np.arange(3 * ROWS) // ROWS == 1
    now["c0"] = pa.array(base["c0"][: 3 * ROWS], mask=gone)
    now["c1"] = pa.array(base["c1"][: 3 * ROWS], mask=np.ones(3 * ROWS, dtype=bool))
    edges = fit(numeric(base), [pa.table(base)])
    found = run(profiled(edges, now), Baseline(profiled(edges, base), "files"), BUILT_IN)
    for m in found:
        if m.metric in ("reconstruction_error", "mmd", "series_error"):
            assert np.isfinite(m.value).all()
            assert np.isfinite(m.evidence).all()
            assert m.columns == ()
            assert all(m.blame(i) for i in range(3))
