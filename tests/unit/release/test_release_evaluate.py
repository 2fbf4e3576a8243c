"""What held-out rows say of a candidate."""

import json

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics as sk
from sklearn.dummy import DummyClassifier, DummyRegressor

from held_out import BINARY, CLASSES, NUMBERS, RANKED, held, outcomes, scored, world
from watchkeeper.model import Column, Need, Role, Type
from watchkeeper.model.need import BETTER
from watchkeeper.release.gate.sides import CannotEvaluate
from watchkeeper.release.outcome import Outcome, together
from watchkeeper.runtime import Answers

SMALL = {"metrics": {"roc_auc": {"margin": 0.01}}}


def check(found, name):
    return next(one for one in found.checks if one.name == name)


def test_a_candidate_as_good_as_the_live_model_passes():
    label, p = world(20_000)
    found, by = outcomes(BINARY, held(label), scored(p), scored(world(20_000, noise=0.1)[1]))
    assert by == {"answers": "PASS", "non_inferiority": ["PASS", "PASS"], "skill": "PASS"}
    assert together(found.checks) is Outcome.PASS
    assert found.metrics["roc_auc"]["value"] == pytest.approx(sk.roc_auc_score(label, p))
    assert found.metrics["roc_auc"]["live"] < found.metrics["roc_auc"]["value"]
    assert found.metrics["brier"]["value"] == pytest.approx(sk.brier_score_loss(label, p))


def test_a_candidate_worse_by_more_than_the_margin_fails_with_its_figures():
    label, p = world(20_000)
    found, by = outcomes(BINARY, held(label), scored(world(20_000, noise=1.0)[1]), scored(p), **SMALL)
    told = check(found, "non_inferiority")
    assert by["non_inferiority"] == "FAIL"
    assert "worse than the margin of 0.01" in told.sentence
    assert told.remedy
    assert told.facts["difference_high"] < -0.01 < told.facts["margin"]


def test_too_few_rows_are_inconclusive_and_say_how_many_are_needed():
    label, p = world(150)
    found, by = outcomes(BINARY, held(label), scored(p), scored(p))
    assert set(by) == {"answers", "non_inferiority", "skill"}
    assert by["non_inferiority"] == ["INCONCLUSIVE", "INCONCLUSIVE"]
    assert "150 rows with labels, and 200 are needed" in check(found, "skill").sentence
    assert together(found.checks) is Outcome.INCONCLUSIVE


def test_wide_intervals_are_inconclusive():
    label, p = world(400)
    _, by = outcomes(BINARY, held(label), scored(world(400, noise=0.25)[1]), scored(p), **SMALL)
    assert by["non_inferiority"] == "INCONCLUSIVE"


@pytest.mark.parametrize("rows", [0, 1])
def test_without_rows_nothing_is_decided(rows):
    label, p = world(rows)
    found, by = outcomes(BINARY, held(label), scored(p), scored(p))
    assert "PASS" not in (by["non_inferiority"], by["skill"])
    assert together(found.checks) is Outcome.INCONCLUSIVE


def test_one_class_alone_is_inconclusive_and_names_what_can_not_be_told():
    _, p = world(2_000)
    for label in (0, 1):
        found, by = outcomes(BINARY, held(np.full(2_000, label)), scored(p), scored(p), level={"recall": 0.5})
        assert by.pop("level") == "INCONCLUSIVE"
        inconclusive = {"non_inferiority": ["INCONCLUSIVE"] * 2, "skill": "INCONCLUSIVE", "classes": "INCONCLUSIVE"}
        assert by == {"answers": "PASS"} | inconclusive
        named = ["roc_auc", *(["recall"] if label == 0 else [])]
        assert check(found, "classes").facts["untold"] == named
        assert f"hold one class only, so {' and '.join(named)} can't be told" in check(found, "classes").sentence
    same = np.full(2_000, "a", dtype=object)
    _, by = outcomes(CLASSES, held(same), Answers(same), Answers(same))
    assert by["classes"] == "INCONCLUSIVE"


def test_equal_answers_pass_with_their_rows_stated():
    label, p = world(300)
    found, by = outcomes(BINARY, held(label), scored(p), scored(p))
    assert by["non_inferiority"] == ["PASS", "PASS"]
    assert "on 300 rows; the two answer alike" in check(found, "non_inferiority").sentence
    exact = Answers(label.astype(float))
    assert outcomes(NUMBERS, held(label), exact, exact)[1]["non_inferiority"] == "PASS"


@pytest.mark.parametrize("answer", [0.3, 0.5, 0.0])
def test_a_constant_answer_has_no_skill_even_if_nothing_is_live(answer):
    label, _ = world(5_000)
    _, by = outcomes(BINARY, held(label), scored(np.full(5_000, answer)))
    assert by == {"answers": "PASS", "skill": "FAIL"}


def test_noise_has_no_skill_and_a_real_model_has():
    label, p = world(5_000)
    noise = np.random.default_rng(11).random(5_000)
    assert outcomes(BINARY, held(label), scored(noise))[1]["skill"] == "FAIL"
    assert outcomes(BINARY, held(label), scored(p))[1]["skill"] == "PASS"


RNG = np.random.default_rng(4)
DUMMIES = {  # labels now, labels in training, any answers, metrics with the sign that makes more of them better
    "binary": (
        BINARY,
        (RNG.random(3_000) < 0.35).astype(int),
        (RNG.random(900) < 0.6).astype(int),
        scored(np.full(3_000, 0.4)),
        {
            "roc_auc": lambda y, d: sk.roc_auc_score(y, d.predict_proba(y)[:, 1]),
            "pr_auc": lambda y, d: sk.average_precision_score(y, d.predict_proba(y)[:, 1]),
            "brier": lambda y, d: -sk.brier_score_loss(y, d.predict_proba(y)[:, 1]),
            "log_loss": lambda y, d: -sk.log_loss(y, d.predict_proba(y)),
            "accuracy": lambda y, d: sk.accuracy_score(y, d.predict(y)),
            "balanced_accuracy": lambda y, d: sk.balanced_accuracy_score(y, d.predict(y)),
        },
    ),
    "multiclass": (
        CLASSES,
        RNG.choice(["a", "b", "c"], 3_000, p=[0.5, 0.3, 0.2]),
        RNG.choice(["a", "b", "c"], 900, p=[0.1, 0.3, 0.6]),
        Answers(None, np.tile([0.2, 0.3, 0.5], (3_000, 1)), ("a", "b", "c")),
        {
            "log_loss": lambda y, d: -sk.log_loss(y, d.predict_proba(y)),
            "accuracy": lambda y, d: sk.accuracy_score(y, d.predict(y)),
        },
    ),
    "regression": (
        NUMBERS,
        RNG.lognormal(1, 0.8, 3_001),
        RNG.lognormal(1.5, 0.5, 900),
        Answers(np.full(3_001, 1.0)),
        {
            "mae": lambda y, d: -sk.mean_absolute_error(y, d.predict(y)),
            "rmse": lambda y, d: -sk.root_mean_squared_error(y, d.predict(y)),
            "r2": lambda y, d: sk.r2_score(y, d.predict(y)),
            "mape": lambda y, d: -sk.mean_absolute_percentage_error(y, d.predict(y)),
        },
    ),
}


@pytest.mark.parametrize("task", DUMMIES)
def test_the_baseline_is_the_best_dummy_of_scikit_learn_and_none_of_training_rows_beats_it(task):
    """Though training rows were otherwise, as they are before long."""
    model, now, then, answers, oracles = DUMMIES[task]
    kind, ways = DummyClassifier, [{"strategy": "prior"}, {"strategy": "most_frequent"}]
    if model is NUMBERS:
        kind, ways = DummyRegressor, [{"strategy": "quantile", "quantile": share / 100} for share in range(100)]
        ways.append({"strategy": "mean"})
    here, before = ([kind(**way).fit(y, y) for way in ways] for y in (now, then))
    for name, oracle in oracles.items():
        found, _ = outcomes(model, held(now), answers, metrics={name: {"margin": 0.01}})
        naive = found.metrics[name]["naive"] * (-1 if BETTER[name] == "low" else 1)
        best = max(oracle(now, dummy) for dummy in here)
        assert naive >= max(best, *(oracle(now, dummy) for dummy in before)) - 1e-12, name
        assert naive == pytest.approx(best, rel=1e-3 if name == "mape" else 1e-12), name


def test_who_only_knows_how_common_the_outcome_is_by_now_has_no_skill():
    """It would pass nearly always against the share of the training rows, of which a fifth were positive."""
    rng, passed = np.random.default_rng(5), 0
    for _ in range(200):
        label = (rng.random(500) < 0.3).astype(int)
        found, by = outcomes(BINARY, held(label), scored(np.full(500, 0.3)), metrics={"brier": {"margin": 0.01}})
        assert found.metrics["brier"]["value"] < np.mean((0.2 - label) ** 2) or label.mean() < 0.25
        passed += by["skill"] == "PASS"
    assert passed <= 18  # 5 % of 200, and what chance adds with 1 in 100


def test_a_model_that_only_repeats_the_last_value_fails_where_that_is_the_baseline():
    rng = np.random.default_rng(1)
    label = np.cumsum(rng.normal(size=3_000))
    rows = held(label, time=np.arange(3_000))
    repeated = Answers(np.append(0.0, label[:-1]))
    assert outcomes(NUMBERS, rows, repeated)[1]["skill"] == "PASS"
    found, by = outcomes(NUMBERS, rows, repeated, naive="last_value")
    assert by["skill"] == "FAIL"
    assert found.metrics["mae"]["last_value"] == pytest.approx(np.abs(np.diff(label)).mean(), rel=0.03)
    better = Answers(np.append(0.0, label[:-1]) + np.append(0.0, np.diff(label)) * 0.5)
    assert outcomes(NUMBERS, rows, better, naive="last_value")[1]["skill"] == "PASS"


def test_the_last_value_is_that_of_the_same_entity():
    entity = np.tile(np.arange(100), 20)
    label = entity * 10.0
    rows = held(label, time=np.repeat(np.arange(20), 100), id=entity)
    found, _ = outcomes(NUMBERS, rows, Answers(label + 1.0))
    assert found.metrics["mae"]["last_value"] < found.metrics["mae"]["naive"] / 10


def test_missing_answers_fail_and_do_not_improve_the_metrics():
    label, p = world(5_000)
    hard = np.abs(p - 0.5) < 0.2
    found, by = outcomes(BINARY, held(label), scored(np.where(hard, np.nan, p)), scored(p))
    assert by["answers"] == "FAIL"
    told = check(found, "answers")
    assert told.facts["unanswered"] == hard.sum()
    assert found.metrics["roc_auc"]["value"] == found.metrics["roc_auc"]["live"]  # on the same rows


def test_probabilities_beyond_1_are_no_answers():
    label, p = world(500)
    assert outcomes(BINARY, held(label), scored(p * 2))[1]["answers"] == "FAIL"


def test_rows_without_a_label_are_left_out_and_counted():
    label, p = world(1_000)
    some = label.astype(object)
    some[:300] = None
    found, _ = outcomes(BINARY, held(some, pa.table({"y": pa.array(some.tolist())})), scored(p), scored(p))
    assert check(found, "answers").facts["unlabelled"] == 300
    assert found.metrics["roc_auc"]["value"] == pytest.approx(sk.roc_auc_score(label[300:], p[300:]))


def test_rows_of_one_entity_count_as_one():
    label, p = (np.repeat(part, 10) for part in world(300))
    live = np.repeat(world(300, noise=0.3)[1], 10)
    alone, _ = outcomes(BINARY, held(label), scored(p), scored(live), **SMALL)
    again, _ = outcomes(BINARY, held(label, id=np.repeat(np.arange(300), 10)), scored(p), scored(live), **SMALL)
    widths = [one.metrics["roc_auc"]["high"] - one.metrics["roc_auc"]["low"] for one in (alone, again)]
    assert widths[1] > 2.5 * widths[0]
    columns = {"booking": Column(type=Type.INTEGER, role=Role.ID), "guest": Column(type=Type.INTEGER, role=Role.ID)}
    model = BINARY.model_copy(update={"columns": columns | BINARY.columns})
    table = pa.table({"booking": np.arange(3_000), "guest": np.repeat(np.arange(300), 10), "y": label})
    by_guest, _ = outcomes(model, held(label, table, id=np.arange(3_000)), scored(p), scored(live), **SMALL)
    assert by_guest.metrics["roc_auc"] == again.metrics["roc_auc"]


def test_labels_and_answers_of_other_types_are_the_same_classes():
    label, p = world(3_000)
    texts = np.where(label == 1, "1", "0")
    plain = outcomes(BINARY, held(label), scored(p))[0].metrics["roc_auc"]["value"]
    spelled = Answers(np.where(p >= 0.5, 1.0, 0.0), np.stack([p, 1 - p], axis=1), (True, False))
    assert outcomes(BINARY, held(texts), spelled)[0].metrics["roc_auc"]["value"] == plain


def test_a_level_passes_fails_or_is_left_open():
    label, p = world(5_000)
    value = sk.roc_auc_score(label, p)
    for level, outcome in ((value - 0.05, "PASS"), (value + 0.05, "FAIL"), (value + 0.001, "INCONCLUSIVE")):
        assert outcomes(BINARY, held(label), scored(p), level={"roc_auc": level})[1]["level"] == outcome
    assert outcomes(BINARY, held(label), scored(p), level={"brier": 0.3})[1]["level"] == "PASS"
    assert outcomes(BINARY, held(label), scored(p), level={"brier": 0.1})[1]["level"] == "FAIL"


def test_harm_in_one_segment_is_found_though_the_whole_is_fine():
    label, p = world(20_000)
    segment = np.where(np.arange(20_000) % 10 == 0, "small", "large")
    broken = np.where(segment == "small", world(20_000, noise=2.0)[1], p)
    need = {"metrics": {"roc_auc": {"margin": 0.05}}, "segment_margin": 1.0}
    found, by = outcomes(BINARY, held(label, segments={"s": segment}), scored(broken), scored(p), **need)
    assert by["non_inferiority"] == "PASS"
    assert by["segments"] == "FAIL"
    assert "worse than the margin in small" in check(found, "segments").sentence
    assert [one["outcome"] for one in check(found, "segments").facts["claims"]] == ["PASS", "FAIL"]


@pytest.mark.parametrize(
    ("model", "answers"),
    [
        (BINARY, scored(np.tile([0.2, 0.9], 1_000))),
        (BINARY, Answers(np.tile([0, 1], 1_000), None, ())),
        (NUMBERS, Answers(np.tile([0.1, 0.8], 1_000), None, ())),
    ],
)
def test_a_first_version_is_told_by_segment_in_every_metric_though_nothing_is_live(model, answers):
    label = np.tile([0, 1, 0, 1, 1, 1], 334)[:2_000].astype(int if model is BINARY else float)
    rows = held(label, segments={"s": np.repeat(["north", "south"], 1_000)})
    found, by = outcomes(model, rows, answers)
    assert "segments" not in by
    for name in Need().margins(model.task, answers.scores is not None):
        assert [one["segment"] for one in found.metrics[name]["segments"]["s"]] == ["north", "south"]
        assert found.metrics[name]["value"] is not None


def test_rare_values_are_judged_together_and_a_column_of_rare_values_not_at_all():
    label, p = world(4_000)
    rare = np.where(np.arange(4_000) < 3_000, "common", np.char.add("r", (np.arange(4_000) % 50).astype(str)))
    found, by = outcomes(BINARY, held(label, segments={"s": rare}), scored(p), scored(p), **SMALL)
    assert by["segments"] == "PASS"
    assert [one["segment"] for one in check(found, "segments").facts["claims"]] == ["common", "(all others)"]
    alone = np.arange(4_000).astype(str)
    found, by = outcomes(BINARY, held(label, segments={"s": alone}), scored(p), scored(p), **SMALL)
    assert by["segments"] == "INCONCLUSIVE"
    assert "no value has rows enough" in check(found, "segments").sentence


def test_numbers_are_cut_at_their_quartiles():
    label, p = world(4_000)
    found, _ = outcomes(BINARY, held(label, segments={"age": np.arange(4_000.0)}), scored(p), scored(p), **SMALL)
    assert [one["rows"] for one in check(found, "segments").facts["claims"]] == [1_000] * 4


def test_a_gap_between_groups_fails_and_the_same_gap_in_the_live_model_does_not():
    label, p = world(20_000)
    group = np.arange(20_000) % 2
    unfair = np.where(group == 1, p * 0.6, p)
    rows = held(label, groups={"sex": group})
    assert outcomes(BINARY, rows, scored(unfair), gaps={"recall": {"most": 0.1}})[1]["group_gap"] == "FAIL"
    assert outcomes(BINARY, rows, scored(p), gaps={"recall": {"most": 0.1}})[1]["group_gap"] == "PASS"
    wider = {"gaps": {"recall": {"wider": 0.05}}}
    assert outcomes(BINARY, rows, scored(unfair), scored(p), **wider)[1]["group_gap"] == "FAIL"
    assert outcomes(BINARY, rows, scored(unfair), scored(unfair), **wider)[1]["group_gap"] == "PASS"
    assert outcomes(BINARY, rows, scored(p), scored(unfair), **wider)[1]["group_gap"] == "PASS"  # narrower


def test_gaps_are_told_where_no_bound_is_stated():
    label, p = world(5_000)
    found, by = outcomes(BINARY, held(label, groups={"sex": np.arange(5_000) % 2}), scored(p))
    assert "group_gap" not in by
    assert [one["rows"] for one in found.metrics["recall"]["groups"]["sex"]] == [2_500, 2_500]


def test_calibration_is_bounded_with_its_interval():
    label, p = world(20_000)
    assert outcomes(BINARY, held(label), scored(p), calibration=0.03)[1]["calibration"] == "PASS"
    off, by = outcomes(BINARY, held(label), scored(np.clip(p + 0.1, 0, 1)), calibration=0.03)
    assert by["calibration"] == "FAIL"
    assert off.metrics["bias"]["value"] == pytest.approx(0.1, abs=0.02)
    assert outcomes(BINARY, held(label), scored(p), calibration=0.004)[1]["calibration"] == "INCONCLUSIVE"
    numbers = np.random.default_rng(0).normal(size=3_000)
    assert outcomes(NUMBERS, held(numbers), Answers(numbers * 0.9), calibration=0.1)[1]["calibration"] == "PASS"
    assert outcomes(NUMBERS, held(numbers), Answers(numbers - 0.5), calibration=0.1)[1]["calibration"] == "FAIL"


def test_the_threshold_for_a_need_is_learned_and_decides():
    label, p = world(10_000)
    found, by = outcomes(BINARY, held(label), scored(p), scored(p), threshold={"recall": 0.95})
    told = found.thresholds
    assert by["threshold"] == "PASS"
    assert told["bound"] >= 0.95
    assert told["decisions"]["recall"]["value"] == pytest.approx(
        ((p >= told["score"]) & (label == 1)).sum() / label.sum()
    )
    assert told["live_score"] == told["score"]
    few = {"false_positive_rate": 0.001}
    assert outcomes(BINARY, held(label[:400]), scored(p[:400]), threshold=few)[1]["threshold"] == "INCONCLUSIVE"


def test_a_need_that_no_threshold_meets_fails_with_the_best_that_can_be_had():
    rng = np.random.default_rng(3)
    label = (rng.random(8_000) < 0.3).astype(int)
    found, by = outcomes(BINARY, held(label), scored(rng.random(8_000)), threshold={"precision": 0.95})
    assert by["threshold"] == "FAIL"
    assert "the best is" in check(found, "threshold").sentence
    assert found.thresholds["score"] is None
    constant = scored(np.full(8_000, 0.3))
    assert outcomes(BINARY, held(label), constant, threshold={"recall": 0.95})[1]["threshold"] == "FAIL"


def test_costs_are_kept_below_those_of_deciding_all_alike():
    label, p = world(10_000)
    need = {"threshold": {"cost": {"false_positive": 1.0, "false_negative": 2.0}}}
    found, by = outcomes(BINARY, held(label), scored(p), **need)
    assert by["threshold"] == "PASS"
    assert found.thresholds["score"] == pytest.approx(1 / 3, abs=0.1)
    noise = scored(np.random.default_rng(1).random(10_000))
    assert outcomes(BINARY, held(label), noise, **need)[1]["threshold"] == "FAIL"
    both, by = outcomes(BINARY, held(label), noise, scored(p), **need)
    assert by["non_inferiority"][0] == "FAIL"
    assert both.metrics["cost"]["difference_low"] > both.metrics["cost"]["margin"] > 0


def test_a_threshold_learned_from_the_rows_adds_its_own_doubt():
    """The false positive rate at 95 % recall moves with the scores of positive rows: against fresh rows each time."""
    values, told = [], []
    for seed in range(80):
        label, p = world(2_000, seed=10 * seed, noise=0.5)
        found = outcomes(BINARY, held(label), scored(p), threshold={"recall": 0.95})[0]
        rate = found.thresholds["decisions"]["false_positive_rate"]
        values.append(rate["value"])
        told.append((rate["high"] - rate["low"]) / 2 / 1.645)
    assert np.mean(told) == pytest.approx(np.std(values), rel=0.25)


def test_several_classes_are_judged():
    rng = np.random.default_rng(0)
    label = rng.choice(["a", "b", "c"], 5_000)
    right = rng.random(5_000)
    candidate = Answers(np.where(right < 0.8, label, "a"))
    live = Answers(np.where(right < 0.78, label, "a"))
    found, by = outcomes(CLASSES, held(label), candidate, live)
    assert by == {"answers": "PASS", "non_inferiority": "PASS", "skill": "PASS"}
    assert found.metrics["accuracy"]["value"] == pytest.approx(np.mean(candidate.prediction == label))
    one_hot = (label[:, None] == np.array(["a", "b", "c"])) * 0.7 + 0.1
    probable, by = outcomes(CLASSES, held(label), Answers(None, one_hot, ("a", "b", "c")))
    assert by["skill"] == "PASS"
    assert probable.metrics["accuracy"]["value"] == 1.0
    assert outcomes(CLASSES, held(label), Answers(np.full(5_000, "a")))[1]["skill"] == "FAIL"


def rankings(queries=400, seed=0):
    rng = np.random.default_rng(seed)
    item = np.concatenate([rng.permutation(30)[:10] for _ in range(queries)])
    query = np.repeat(np.arange(queries), 10)
    relevance = (rng.random(queries * 10) < 0.1 + 0.5 * item / 30).astype(float)
    table = pa.table({"query": query.astype(str), "item": item.astype(str), "y": relevance})
    return table, relevance, item, rng


def test_rankings_are_judged_by_query_and_against_popularity():
    table, relevance, item, rng = rankings()
    good = Answers(relevance + rng.normal(size=len(relevance)) * 0.5)
    found, by = outcomes(RANKED, held(relevance, table), good, good, min_rows=100)
    assert by == {"answers": "PASS", "non_inferiority": "PASS", "skill": "PASS"}
    assert found.metrics["ndcg@10"]["rows"] <= 400
    train = rankings(seed=1)[0]
    popular, _ = outcomes(RANKED, held(relevance, table), good, None, train, min_rows=100)
    assert popular.metrics["ndcg@10"]["naive"] > found.metrics["ndcg@10"]["naive"] + 0.05
    as_popular = outcomes(RANKED, held(relevance, table), Answers(item.astype(float)), None, train, min_rows=100)
    assert as_popular[1]["skill"] == "FAIL"


def test_queries_of_one_entity_count_as_one_and_items_are_no_entities():
    table, relevance, item, rng = rankings()
    good = Answers(relevance + rng.normal(size=len(relevance)) * 0.5)

    def width(names):
        ids = None if names is None else np.asarray(names)
        figures = outcomes(RANKED, held(relevance, table, id=ids), good, None, min_rows=100)[0].metrics["ndcg@10"]
        return figures["high"] - figures["low"]

    plain = width(None)
    assert width(item) == plain  # each query has several
    assert width(np.repeat(np.arange(400), 10)) == plain  # each has one of its own
    one = Answers(np.concatenate([good.prediction[:100]] * 40))
    repeated = np.tile(relevance[:100], 40)
    people = np.repeat(np.arange(400) % 10, 10)  # ten queries, asked by ten people again and again
    alone, again = (
        outcomes(RANKED, held(repeated, table, id=names), one, None, min_rows=100)[0].metrics["ndcg@10"]
        for names in (None, people)
    )
    assert again["high"] - again["low"] > 4 * (alone["high"] - alone["low"])


def test_a_metric_that_needs_probabilities_is_inconclusive_without_them():
    label, p = world(2_000)
    plain = Answers((p >= 0.5).astype(int))
    found, by = outcomes(BINARY, held(label), plain, scored(p), **SMALL)
    assert by["non_inferiority"] == "INCONCLUSIVE"
    assert "roc_auc can't be measured" in check(found, "non_inferiority").sentence
    assert outcomes(BINARY, held(label), plain, plain)[1]["non_inferiority"] == "PASS"
    assert outcomes(BINARY, held(label), plain, threshold={"recall": 0.9})[1]["threshold"] == "INCONCLUSIVE"


def test_answers_that_do_not_fit_are_refused_with_the_reason():
    label, p = world(300)
    with pytest.raises(CannotEvaluate, match="gave 200 answers to 300"):
        outcomes(BINARY, held(label), scored(p[:200]))
    with pytest.raises(CannotEvaluate, match="labels and answers hold 3"):
        outcomes(BINARY, held(label), Answers(np.full(300, 2)))
    with pytest.raises(CannotEvaluate, match="neither classes nor probabilities"):
        outcomes(BINARY, held(label), Answers(None))
    with pytest.raises(CannotEvaluate, match="numbers were expected"):
        outcomes(NUMBERS, held(label), Answers(np.full(300, "high")))
    with pytest.raises(CannotEvaluate, match="Write `task:`"):
        outcomes(BINARY.model_copy(update={"task": "none"}), held(label), scored(p))


def test_everything_can_be_written_as_json():
    label, p = world(600)
    more = {"segments": {"s": np.arange(600) % 2}, "groups": {"g": np.arange(600) % 2}, "time": np.arange(600)}
    need = {
        "threshold": {"recall": 0.9},
        "gaps": {"recall": {"most": 0.2, "wider": 0.1}},
        "calibration": 0.1,
        "level": {"f1": 0.5},
    }
    for rows in (600, 0):
        cut = {
            name: {k: v[:rows] for k, v in of.items()} if isinstance(of, dict) else of[:rows]
            for name, of in more.items()
        }
        found, _ = outcomes(BINARY, held(label[:rows], **cut), scored(p[:rows]), scored(p[:rows] ** 2), **need)
        whole = [found.metrics, found.thresholds, [(one.sentence, dict(one.facts)) for one in found.checks]]
        assert json.loads(json.dumps(whole, allow_nan=False))
