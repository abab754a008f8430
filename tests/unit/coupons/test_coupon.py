"""What a coupon may be, and when it counts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.catalog.terms import CouponTerms
from shared.coupons.coupon import MOST_USES, BrokenCoupon, Coupon, code_of
from shared.coupons.refusals import CouponExpired, CouponInvalid
from tests.unit.building import NOON

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    "coupon",
    [
        Coupon("WELCOME10", percent=1),
        Coupon("A", percent=100, uses=1, uses_per_account=MOST_USES),
        Coupon("2027_A-B", fixed_nano=1, valid_from=NOON, valid_until=NOON + DAY, minimum_nano=5),
    ],
)
def test_a_good_coupon_passes(coupon: Coupon) -> None:
    coupon.check()


@pytest.mark.parametrize(
    ("coupon", "words"),
    [
        (Coupon("", percent=1), "1 to 32 characters"),
        (Coupon("X" * 33, percent=1), "1 to 32 characters"),
        (Coupon("small", percent=1), "1 to 32 characters"),
        (Coupon("A:B", percent=1), "1 to 32 characters"),
        (Coupon("A\n", percent=1), "1 to 32 characters"),
        (Coupon("A"), "either a percentage or an amount"),
        (Coupon("A", percent=1, fixed_nano=1), "either a percentage or an amount"),
        (Coupon("A", percent=0), "1 to 100"),
        (Coupon("A", percent=101), "1 to 100"),
        (Coupon("A", fixed_nano=0), "more than 0"),
        (Coupon("A", percent=1, uses=0), "uses must be 1 to"),
        (Coupon("A", percent=1, uses=MOST_USES + 1), "uses must be 1 to"),
        (Coupon("A", percent=1, uses_per_account=0), "uses must be 1 to"),
        (Coupon("A", percent=1, valid_from=NOON, valid_until=NOON), "valid before it expires"),
        (Coupon("A", percent=1, minimum_nano=-1), "must not be negative"),
    ],
)
def test_a_broken_coupon_says_what_is_wrong(coupon: Coupon, words: str) -> None:
    with pytest.raises(BrokenCoupon, match=words):
        coupon.check()


def test_a_coupon_counts_from_its_first_moment_to_before_its_last() -> None:
    coupon = Coupon("A", percent=1, valid_from=NOON, valid_until=NOON + DAY)
    moment = timedelta(microseconds=1)

    coupon.check_usable(NOON)
    coupon.check_usable(NOON + DAY - moment)
    with pytest.raises(CouponInvalid, match="not valid yet"):
        coupon.check_usable(NOON - moment)
    with pytest.raises(CouponExpired):
        coupon.check_usable(NOON + DAY)


def test_a_disabled_coupon_never_counts() -> None:
    with pytest.raises(CouponInvalid, match="no longer accepted"):
        Coupon("A", percent=1, disabled=True).check_usable(NOON)


@pytest.mark.parametrize(
    "coupon",
    [
        Coupon("A", percent=7),
        Coupon("B", fixed_nano=5, uses=3, uses_per_account=2, models=frozenset({"x", "y"}), disabled=True),
        Coupon("C", percent=7, valid_from=NOON, valid_until=NOON + DAY, minimum_nano=9),
    ],
)
def test_what_is_stored_is_read_as_it_was(coupon: Coupon) -> None:
    document = coupon.to_document(NOON, "anna")

    assert Coupon.from_document(document) == coupon
    assert (document["created_at"], document["actor"]) == (NOON, "anna")


def test_terms_are_what_a_price_needs() -> None:
    coupon = Coupon("A", fixed_nano=5, models=frozenset({"x"}), minimum_nano=9, uses=1)

    assert coupon.terms == CouponTerms("A", None, 5, frozenset({"x"}), 9)


def test_small_letters_mean_the_same_coupon() -> None:
    assert code_of("welcome10") == "WELCOME10"


@pytest.mark.parametrize("given", ["", " A", "A:acc_1", "ß", "ﬀ", "A\n", "x" * 33, "x" * 10_000])
def test_what_cannot_be_a_code_is_no_coupon(given: str) -> None:
    with pytest.raises(CouponInvalid) as refused:
        code_of(given)
    assert refused.value.details == {"coupon": given[:64]}
