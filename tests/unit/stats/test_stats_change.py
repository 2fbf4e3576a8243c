"""When a series changed: against least squares by numpy, a textbook series, and by counting how often it is right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.stats.change import LEAST_RAMP, change_point

# Annual flow of the Nile at Aswan, 1871-1970, 10^8 m^3: Cobb (1978), Biometrika 65, 243-251, table 1.
NILE = """
1120 1160 963 1210 1160 1160 813 1230 1370 1140 995 935 1110 994 1020 960 1180 799 958 1140
1100 1210 1150 1250 1260 1220 1030 1100 774 840 874 694 940 833 701 916 692 1020 1050 969
831 726 456 824 702 1120 1100 832 764 821 768 845 864 862 698 845 744 796 1040 759
781 865 845 944 984 897 822 1010 771 676 649 846 812 742 801 1040 860 874 848 890
744 749 838 1050 918 986 797 923 975 815 1020 906 901 1170 912 746 919 718 714 740
"""


def by_least_squares(y, place, kind):
    """Residual sum of squares of a level, and a step or a slope from `place` on."""
    t = np.arange(len(y))
    late = (t >= place).astype(float) if kind == "jump" else np.maximum(0.0, t - place + 1.0)
    design = np.column_stack([np.ones(len(y)), late])
    return float(((y - design @ np.linalg.lstsq(design, y, rcond=None)[0]) ** 2).sum())


def test_the_nile_changed_at_once_in_1899():
    """Cobb (1978) finds the change after 1898, with all but certainty between 1896 and 1900."""
    found = change_point(np.array([float(flow) for flow in NILE.split()]))
    assert found is not None
    assert 1871 + found.place == 1899
    assert 1896 <= 1871 + found.low <= 1871 + found.high <= 1900
    assert found.jump > 0.999


@given(st.lists(st.integers(-1000, 1000), min_size=4, max_size=25).filter(lambda values: len(set(values)) > 2))
def test_the_place_and_the_kind_are_those_of_least_squares(values):
    y = np.array(values, dtype=float)
    found = change_point(y)
    assert found is not None
    n = len(y)
    steps = np.array([by_least_squares(y, place, "jump") for place in range(1, n)])
    slopes = np.array([by_least_squares(y, place, "drift") for place in range(1, n - LEAST_RAMP + 1)])
    kind, residuals = ("jump", steps) if found.jump >= 0.5 else ("drift", slopes)
    assert residuals[found.place - 1] <= residuals.min() * (1 + 1e-6) + 1e-6 * ((y - y.mean()) ** 2).sum()
    likely = {"jump": (steps**-0.5).max(initial=0) if (steps > 0).all() else np.inf}
    assert found.low <= found.place <= found.high
    assert kind == "drift" or likely["jump"] > 0


@pytest.mark.parametrize("kind", ["jump", "drift"])
@pytest.mark.parametrize(("before", "after", "size"), [(10, 10, 5), (30, 1, 5), (30, 5, 5), (30, 15, 3), (60, 30, 3)])
def test_the_interval_holds_the_true_place_19_times_in_20(kind, before, after, size):
    rng = np.random.default_rng([before, after, size])
    times = 600
    held = right = 0
    for _ in range(times):
        y = rng.normal(size=before + after)
        y[before:] += size if kind == "jump" else size * np.arange(1, after + 1) / after
        found = change_point(y)
        held += found.low <= before <= found.high
        right += (found.jump >= 0.5) == (kind == "jump")
    assert held / times >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / times)
    if after >= 10:
        assert right / times > 0.75
    elif after == 1:
        assert (right / times > 0.8) == (kind == "jump")  # one window tells no slope


def test_a_jump_without_noise_is_exact():
    found = change_point(np.array([0.0] * 20 + [0.3] * 4))
    assert (found.place, found.low, found.high) == (20, 20, 20)
    assert found.jump > 0.999


@pytest.mark.parametrize("values", [[], [1.0], [0.3] * 10, [1e9 + 1e-5, 1e9]])
def test_nothing_changed_where_all_values_are_the_same(values):
    assert change_point(np.array(values)) is None


@given(st.integers(0, 2**32), st.floats(1e-6, 1e6), st.floats(-1e3, 1e3))
def test_unit_and_zero_point_do_not_matter(seed, scale, shift):
    y = np.random.default_rng(seed).normal(size=20) + np.repeat([0.0, 2.0], 10)
    plain, moved = change_point(y), change_point(scale * (y + shift))
    assert (plain.place, plain.low, plain.high) == (moved.place, moved.low, moved.high)
