"""Automatic rollback: what does harm is told soon, and what does none hardly ever, however often one looks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from watchkeeper.model import ModelError, Rollback
from watchkeeper.model.yaml_file import dump, parse
from watchkeeper.release.condition import harm
from watchkeeper.release.figures import EDGES, Figures


def counted(requests, errors=0, invalid=0, slow=0, fast=0.005, slow_seconds=0.5):
    figures = Figures()
    for number in range(requests):
        figures.add(slow_seconds if number < slow else fast)
    figures.errors, figures.invalid = errors, invalid
    return figures


@given(st.lists(st.floats(0, 1e3), max_size=50), st.integers(0, len(EDGES) - 1))
def test_slower_than_an_edge_is_what_it_says(seconds, edge):
    figures = Figures()
    for one in seconds:
        figures.add(one)
    assert figures.slower(edge) == sum(one > EDGES[edge] for one in seconds)


def test_a_version_that_always_fails_is_told_after_a_handful_of_requests():
    before = counted(10_000, errors=10)
    told = next(n for n in range(1, 100) if harm(Rollback(), before, counted(n, errors=n)))
    assert told <= 5


@pytest.mark.parametrize(
    ("since", "condition"),
    [
        (counted(2_000, errors=100), "errors"),
        (counted(2_000, invalid=100), "invalid"),
        (counted(2_000, slow=800), "slow"),
    ],
)
def test_the_harm_that_was_done_is_named_with_its_figures(since, condition):
    found = harm(Rollback(), counted(10_000, slow=400), since)
    assert found is not None
    assert found.condition == condition
    assert found.evidence > found.needed
    assert f"{found.share:.2%}" in found.sentence
    assert f"{found.requests:,}" in found.sentence


def test_nothing_is_told_without_a_version_before_or_without_requests():
    assert harm(Rollback(), Figures(), counted(100, errors=100)) is None
    assert harm(Rollback(), counted(100), Figures()) is None


def test_a_version_before_that_is_hardly_known_excuses_the_one_after():
    since = counted(300, errors=30)
    assert harm(Rollback(), counted(10_000), since) is not None
    assert harm(Rollback(), counted(20), since) is None


def test_slow_is_what_was_declared():
    before, since = counted(5_000, fast=0.005), counted(3_000, fast=0.05)
    assert harm(Rollback(slow_ms=100), before, since) is None
    found = harm(Rollback(slow_ms=20), before, since)
    assert found is not None
    assert found.condition == "slow"


@pytest.mark.parametrize("failing", [0.0, 0.01, 0.05])
def test_a_version_that_is_no_worse_is_rolled_back_no_more_often_than_declared(failing):
    random, runs, declared = np.random.default_rng(3), 100, Rollback(errors=0.001, invalid=0.001, false_rollbacks=0.2)
    told = 0
    for _ in range(runs):
        shares = random.binomial(2_000, [failing, failing, 0.05])
        before = counted(2_000, *shares[:2], slow=shares[2])
        since = Figures()
        for request in range(1_000):
            since.add(0.5 if random.random() < 0.05 else 0.005)
            fails = random.random() < failing
            since.errors += fails
            since.invalid += not fails and random.random() < failing
            if request % 25 == 0 and harm(declared, before, since):
                told += 1
                break
    assert stats.binomtest(told, runs, 0.2, alternative="greater").pvalue > 0.001


def test_it_is_declared_in_the_yaml_and_written_back():
    text = "name: m\nrollback:\n  errors: 0.02\n  slow_ms: 50\ncolumns:\n  a: {type: number}\n"
    model = parse(text)
    assert model.rollback == Rollback(errors=0.02, slow_ms=50)
    assert parse(dump(model)).rollback == model.rollback
    assert parse("name: m\nrollback: {}\ncolumns: {a: {type: number}}\n").rollback == Rollback()
    assert parse(dump(parse("name: m\nrollback: {}\ncolumns: {a: {type: number}}\n"))).rollback == Rollback()
    assert parse("name: m\ncolumns: {a: {type: number}}\n").rollback is None
    with pytest.raises(ModelError, match="errors"):
        parse("name: m\nrollback: {erors: 0.02}\ncolumns: {a: {type: number}}\n")
