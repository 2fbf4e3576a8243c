"""All kernels give the same integers, and sums to an ulp, whatever the values, gaps and slices."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from watchkeeper.model import Column, Model, Task
from watchkeeper.profiles import Slice, fit, kernel_numpy, profile
from watchkeeper.profiles.fit import fit_numeric
from watchkeeper.profiles.quality_binary import score_cuts
from watchkeeper.profiles.quality_plan import QualityPlan
from watchkeeper.profiles.rows import rows_of

kernel_numba = pytest.importorskip("watchkeeper.profiles.kernel_numba", reason="numba (extra `fast`) is not installed")

NUMBERS = st.one_of(
    st.floats(width=64),
    st.floats(-3, 3),
    st.integers(-5, 5).map(float),
    st.sampled_from([0.0, -0.0, np.inf, -np.inf, np.nan, 1e308, -1e308, 5e-324, 2.0**53, 1e-300]),
)


@st.composite
def blocks(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray | None, np.ndarray, np.ndarray]:
    rows = draw(st.sampled_from([0, 1, 2, 7, 511, 512, 513, 1_100]))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    pool = draw(arrays.arrays(np.float64, st.integers(1, 60), elements=NUMBERS))
    shape = draw(st.sampled_from(["pool", "normal", "lognormal", "cauchy", "counts"]))
    made = {
        "pool": lambda: rng.choice(pool, rows),
        "normal": lambda: rng.normal(size=rows),
        "lognormal": lambda: rng.lognormal(0, 3, rows),
        "cauchy": lambda: rng.standard_cauchy(rows) * 1e6,
        "counts": lambda: rng.poisson(3, rows).astype(float),
    }[shape]()
    x = np.where(rng.random(rows) < draw(st.sampled_from([0.0, 0.1])), rng.choice(pool, rows), made)
    present = rng.random(rows) < 0.8 if draw(st.booleans()) else None
    at = rng.integers(-1, draw(st.integers(0, 5)) + 1, rows)
    return x, present, np.sort(at) if draw(st.booleans()) else at, pool


def kept(x: np.ndarray) -> np.ndarray:
    return x[np.isfinite(x)]


@settings(max_examples=200, deadline=None)
@given(blocks(), st.booleans())
def test_the_compiled_kernel_counts_numbers_like_numpy_to_the_last_integer(block, whole) -> None:
    x, present, at, pool = block
    known = kept(np.concatenate([x[: len(x) // 2], pool]))
    if whole:
        x, known = np.rint(x), np.rint(known)
    low, high = (known.min(), known.max()) if len(known) else (np.nan, np.nan)
    edges = fit_numeric(known, low, high, whole=whole)
    rows, _ = rows_of(at)
    mine, theirs = (np.full(rows.count, -7, dtype=np.float32) for _ in range(2))
    a = kernel_numpy.numeric(x, present, rows, edges, mine)
    b = kernel_numba.numeric(x, present, rows, edges, theirs)
    for name in ("nan", "positive_infinity", "negative_infinity", "zero", "negative", "minimum", "maximum", "counts"):
        assert np.array_equal(getattr(a, name), getattr(b, name), equal_nan=True), name
    assert np.array_equal(mine, theirs, equal_nan=True)
    with np.errstate(over="ignore"):
        total = rows.borders[-1] and np.nansum(np.abs(np.where(np.isfinite(x), x, 0.0)))
    if total < 2.0**900:
        np.testing.assert_allclose(a.total[:, 0], b.total[:, 0], rtol=4e-16, atol=1e-30 * float(total))
    if np.isfinite(a.squares).all() and (a.squares < 2.0**900).all():
        np.testing.assert_allclose(a.squares[:, 0], b.squares[:, 0], rtol=4e-16)


@settings(max_examples=100, deadline=None)
@given(blocks(), st.integers(1, 40))
def test_the_compiled_kernel_counts_codes_like_numpy(block, width) -> None:
    x, present, at, _ = block
    codes = np.random.default_rng(len(x)).integers(0, width, len(x))
    rows, _ = rows_of(at)
    a, b = (k.crossed(codes, present, rows, width) for k in (kernel_numpy, kernel_numba))
    assert np.array_equal(a, b)


@settings(max_examples=100, deadline=None)
@given(blocks(), st.integers(0, 999))
def test_the_compiled_kernel_finds_bins_like_numpy(block, cuts) -> None:
    x, _, _, pool = block
    x = kept(x)
    edges = np.unique(np.concatenate([kept(pool), np.random.default_rng(cuts).normal(size=cuts)]))
    assert np.array_equal(kernel_numpy.placed(x, edges), kernel_numba.placed(x, edges))


@settings(max_examples=100, deadline=None)
@given(blocks(), st.booleans(), st.integers(0, 2**32 - 1))
def test_the_compiled_kernel_counts_scores_like_numpy(block, probabilities, seed) -> None:
    x, present, at, _ = block
    rng = np.random.default_rng(seed)
    s = 1 / (1 + np.exp(-np.clip(x, -50, 50))) if probabilities else x
    usable = np.isfinite(s) if present is None else np.isfinite(s) & present
    known = np.concatenate([kept(s[: len(s) // 2]), rng.random(5)])
    plan = QualityPlan(
        Task.BINARY, "y", None, ("s",), None, ("0", "1"), score_cuts(known, probabilities), probabilities
    )
    rows, _ = rows_of(np.sort(at[at >= 0]))
    y = rng.random(rows.count) < 0.5
    a, b = (
        k.scored(y, s[: rows.count], usable[: rows.count], rows.borders, plan) for k in (kernel_numpy, kernel_numba)
    )
    assert np.array_equal(a.counts, b.counts)
    assert np.array_equal(a.places, b.places)
    np.testing.assert_allclose(a.losses[..., 0], b.losses[..., 0], rtol=1e-14)


@pytest.mark.parametrize("task", [None, Task.BINARY])
def test_whole_profiles_agree_on_every_type_of_column(task: Task | None) -> None:
    rng = np.random.default_rng(3)
    n = 5_000
    gaps = rng.random(n) < 0.1
    score = rng.random(n)
    table = pa.table(
        {
            "number": pa.array(rng.normal(size=n), mask=gaps),
            "whole": rng.poisson(4, n),
            "truth": pa.array(rng.random(n) < 0.3, mask=gaps),
            "when": pa.array(rng.integers(0, 10**15, n), pa.timestamp("us", "UTC"), mask=gaps),
            "text": pa.array(rng.choice(["a", "b", "ü"], n), mask=gaps).dictionary_encode(),
            "near_unique": pa.array([f"t{i}" for i in rng.integers(0, 10**9, n)]),
            "empty": pa.nulls(n, pa.float64()),
            "score": score,
            "label": (rng.random(n) < score).astype(int),
        }
    )
    kinds = {"number": "number", "whole": "integer", "truth": "boolean", "when": "timestamp", "text": "string"}
    columns = {name: Column(type=kind, role="feature") for name, kind in kinds.items()}
    columns |= {
        "near_unique": Column(type="string", role="feature"),
        "empty": Column(type="number", role="feature"),
        "score": Column(type="number", role="score"),
        "label": Column(type="integer", role="label"),
    }
    model = Model(name="m", columns=columns) if task is None else Model(name="m", task=task, columns=columns)
    edges = fit(model, [table.slice(0, 2_000)])
    slices = [Slice(label=str(i)) for i in range(7)]
    at = rng.integers(-1, 7, n)
    a, b = (profile(edges, table, at, slices, {"number": gaps}, k) for k in (kernel_numpy, kernel_numba))
    assert a.slices == b.slices
    for name, column in a.columns.items():
        for field, value in vars(column).items():
            if isinstance(value, np.ndarray) and value.dtype.kind == "i":
                assert np.array_equal(value, getattr(b.columns[name], field)), (name, field)
    assert a.pairs is not None
    assert b.pairs is not None
    assert np.array_equal(a.pairs.sums, b.pairs.sums)
    assert (a.quality is None) == (task is None)
    if a.quality is not None and b.quality is not None:
        assert a.quality.to_arrow().drop_columns(["losses"]) == b.quality.to_arrow().drop_columns(["losses"])


def test_rows_out_of_order_without_label_and_score_count_as_unlabelled() -> None:
    n = 50
    columns = {
        "x": Column(type="number"),
        "s": Column(type="number", role="score"),
        "y": Column(type="integer", role="label"),
    }
    score = np.linspace(0.01, 0.99, n)
    whole = pa.table({"x": score, "s": score, "y": (score > 0.5).astype(int)})
    edges = fit(Model(name="m", task=Task.BINARY, columns=columns), [whole])
    made = profile(edges, whole.select(["x"]), np.arange(n) % 2, [Slice(label="a"), Slice(label="b")])
    assert made.quality is not None
    assert made.quality.unlabelled.tolist() == [25, 25]
