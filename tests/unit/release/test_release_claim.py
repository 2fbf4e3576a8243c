"""Claims become outcomes in one place."""

import numpy as np
import pytest

from watchkeeper.release.gate.claim import Claim, Question, answered, holm
from watchkeeper.release.outcome import Outcome


def question(*claims, name="one"):
    return Question(name, claims, lambda own: " ".join(outcome.value for _, outcome in own), "Mend it.")


def test_holm_rejects_as_his_table_says():
    """Sorted, they are held against 0.05/4, 0.05/3, 0.05/2 and 0.05, until one is too large."""
    assert holm([0.09, 0.01, 0.022, 0.02], 0.05) == [False, True, False, False]
    assert holm([0.001, 0.015, 0.02, 0.04], 0.05) == [True, True, True, True]
    assert holm([], 0.05) == []


def test_every_claim_must_be_met_for_a_pass():
    assert answered([question(Claim(0.01, 1.0), Claim(0.05, 1.0))], 0.95)[0].outcome is Outcome.PASS
    assert answered([question(Claim(0.01, 1.0), Claim(0.06, 1.0))], 0.95)[0].outcome is Outcome.INCONCLUSIVE
    assert answered([question(Claim(0.01, 1.0), Claim(1.0, 0.001))], 0.95)[0].outcome is Outcome.FAIL


def test_claims_of_other_checks_make_a_fail_harder():
    alone = answered([question(Claim(1.0, 0.03))], 0.95)
    among = answered([question(Claim(1.0, 0.03)), question(*[Claim(0.5, 0.9)] * 9, name="others")], 0.95)
    assert (alone[0].outcome, among[0].outcome) == (Outcome.FAIL, Outcome.INCONCLUSIVE)


def test_too_few_rows_decide_nothing():
    checked = answered([question(Claim(0.0, 0.0, few="there are 3 rows"))], 0.95)[0]
    assert checked.outcome is Outcome.INCONCLUSIVE
    assert "more labelled rows" in checked.remedy


def test_a_check_without_claims_passes_nothing():
    assert answered([question()], 0.95)[0].outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("claims", [1, 5, 40])
def test_a_candidate_that_meets_all_fails_in_any_in_at_most_5_of_100(claims):
    rng = np.random.default_rng(claims)
    failed = sum(any(holm(rng.random(claims).tolist(), 0.05)) for _ in range(4_000))
    assert failed / 4_000 < 0.062
