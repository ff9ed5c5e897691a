"""V20."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogniwo.core.metering.validation.community import CommunityAccount, check_community_balance


def account(**changes):
    """Two consumers and a producer over three intervals that add up."""
    values = {
        "community": "C",
        "slot_s": 900,
        "start_epoch_s": np.array([0, 900, 1_800], dtype=np.int64),
        "consumers": ("a", "b"),
        "producers": ("p",),
        "metered": np.array([[50, 10, 0], [50, 90, 7]], dtype=np.int64),
        "share": np.array([[30, 10, 0], [30, 30, 20]], dtype=np.int64),
        "covered": np.array([[30, 10, 0], [30, 30, 7]], dtype=np.int64),
        "consumer_present": np.ones((2, 3), dtype=np.bool_),
        "generated": np.array([[60, 40, 20]], dtype=np.int64),
        "surplus": np.array([[0, 0, 13]], dtype=np.int64),
        "producer_present": np.ones((1, 3), dtype=np.bool_),
    }
    return CommunityAccount(**{**values, **changes})


def test_v20_an_account_that_adds_up_has_no_findings():
    assert check_community_balance(account(), tolerance=0) == ()


def test_v20_covered_energy_is_the_smaller_of_share_and_metered():
    covered = np.array([[30, 10, 0], [30, 29, 8]], dtype=np.int64)
    surplus = np.array([[0, 1, 12]], dtype=np.int64)
    (finding,) = check_community_balance(account(covered=covered, surplus=surplus), tolerance=0)
    assert (finding.code, finding.point) == ("V20.covered", "b")
    assert (finding.start_epoch_s, finding.end_epoch_s) == (900, 2_700)
    assert dict(finding.facts)["intervals"] == "2"


def test_v20_sums_are_named_for_each_interval_with_a_signed_difference():
    generated = np.array([[60, 43, 20]], dtype=np.int64)
    findings = check_community_balance(account(generated=generated), tolerance=0)
    assert [(f.code, f.start_epoch_s, dict(f.facts)["difference"]) for f in findings] == [
        ("V20.share_sum", 900, "3"),
        ("V20.surplus", 900, "3"),
    ]
    assert check_community_balance(account(generated=generated), tolerance=1) == (), "three figures, one unit each"


def test_v20_members_without_figures_are_left_out():
    present = np.array([[True, True, True], [False, True, True]])
    findings = check_community_balance(account(consumer_present=present), tolerance=1)
    assert [(f.code, dict(f.facts)["difference"]) for f in findings] == [("V20.share_sum", "30"), ("V20.surplus", "30")]


def test_v20_shapes_must_agree():
    with pytest.raises(ValueError, match="shape"):
        account(surplus=np.zeros((2, 3), dtype=np.int64))


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=6, max_size=6), st.integers(1, 10**6))
def test_v20_any_change_beyond_the_tolerance_is_seen(scale, figures, change):
    metered = np.array(figures, dtype=np.int64).reshape(2, 3)
    share = np.array(figures[::-1], dtype=np.int64).reshape(2, 3) + scale
    covered = np.minimum(share, metered)
    generated = share.sum(axis=0, keepdims=True)
    surplus = generated - covered.sum(axis=0)
    right = {"metered": metered, "share": share, "covered": covered, "generated": generated, "surplus": surplus}
    assert check_community_balance(account(**right), tolerance=0) == ()
    wrong = check_community_balance(account(**{**right, "surplus": surplus - change}), tolerance=0)
    assert {finding.code for finding in wrong} == {"V20.surplus"}
    assert {dict(finding.facts)["difference"] for finding in wrong} == {str(change)}
