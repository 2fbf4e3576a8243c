"""Names that columns of a certain role usually have, and how surely they tell it."""

from __future__ import annotations

from collections.abc import Mapping

from watchkeeper.model.column_name import word_set

Named = Mapping[str, float]
"""Folded names and the confidence that each gives."""


def _ranked(names: Mapping[float, str]) -> Named:
    return {name: confidence for confidence, listed in names.items() for name in listed.split()}


LABELS = _ranked(
    {
        0.95: "target label y_true ytrue ground_truth true_label",
        0.9: "labels targets",
        0.8: "y outcome truth",
        0.75: "actual class",
        0.5: "response result",
    }
)
PREDICTIONS = _ranked(
    {
        0.95: "prediction predictions y_pred y_hat yhat pred predicted_label predicted_class",
        0.9: "predicted",
        0.8: "model_output",
        0.75: "forecast",
        0.4: "estimate",
    }
)
SCORES = _ranked(
    {
        0.95: "proba y_score y_proba y_prob pred_proba pred_prob predicted_proba predicted_probability "
        "prediction_score prediction_probability",
        0.9: "probability prob model_score",
        0.85: "score scores",
        0.5: "confidence risk_score",
    }
)
LABEL_TIMES = _ranked(
    {
        0.9: "label_time label_ts label_timestamp label_date labeled_at labelled_at "
        "outcome_time outcome_date target_time",
    }
)
VERSIONS = _ranked({0.95: "model_version", 0.9: "model_ver", 0.7: "version", 0.6: "model_id model_name"})
POSITIONS = _ranked({0.85: "position rank_position", 0.65: "rank", 0.6: "pos slot"})
QUERIES = _ranked({0.95: "query_id", 0.9: "qid srch_id", 0.85: "search_id", 0.6: "query", 0.5: "session_id request_id"})
PROPENSITIES = _ranked({0.95: "propensity_score", 0.9: "propensity pscore action_prob logging_prob"})
WEIGHTS = _ranked({0.95: "sample_weight instance_weight case_weight", 0.6: "weights", 0.4: "weight"})
EVENT_TIMES = _ranked(
    {
        0.95: "timestamp ts event_time event_timestamp prediction_time",
        0.9: "time datetime date_time date event_date scored_at predicted_at request_time",
        0.85: "dt created_at logged_at",
        0.8: "created received_at",
        0.7: "day hour",
    }
)

CLASS_PREFIXES = word_set("p prob proba probability score pred class")
"""First words of the names of scores of single classes."""
SCORE_WORDS = word_set("score proba prob probability")
OUTCOMES = word_set("click clicked converted conversion purchased churned churn fraud is_fraud defaulted survived")
"""Names of outcomes: labels only if something else in the table was predicted or shown."""
INDEXES = word_set("unnamed unnamed_0 index level_0 index_level_0 row_names rownames rowname") | {""}
"""Names that data frames give to their row numbers."""
COUNTERS = word_set("number no nr num")
SPANS = word_set("year yr month mnth week day hour hr minute age step")
"""Words of whole numbers that may well be unique and without gaps, yet name nothing."""
PROTECTED = word_set(
    "sex gender race ethnicity ethnic religion disability disabled nationality citizenship pregnant marital age"
)
OTHER_TIMES = word_set(
    "birth born dob birthday end expiry expires expiration due until updated modified deleted closed death dod last "
    "label labeled labelled outcome target"
)
"""Words of times that are not the event's."""
