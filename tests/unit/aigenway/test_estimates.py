"""Estimates and generations read, check and price a body in the same way."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from services.api.dialects.aigenway.generations import order_of, submission_of
from services.api.dialects.aigenway.mapping import estimate_body
from services.api.dialects.aigenway.targets import Target
from shared.accounts.key import KeyOwner
from shared.aigenway import units_text
from shared.catalog.terms import AccountTerms
from shared.coupons.coupon import Coupon
from shared.ledger.block import Balance
from tests.unit.aigenway.offered import BANANA, CATALOG, KLING, STRICT, TARGETS, TEXT, target
from tests.unit.building import StillClock

GPT = target("openai_image/gpt-image-2/text_to_image")
VEO = target("google_veo/veo-3.1-generate-preview/text_to_video")
EMBEDDING = target("google_banana/text-embedding-004/embedding")
PARTS: Any = SimpleNamespace(catalog=CATALOG, egress=STRICT, clock=StillClock())

bodies = st.one_of(
    st.tuples(
        st.just(BANANA),
        st.fixed_dictionaries(
            {"prompt": st.just("a hen")},
            optional={
                "resolution": st.sampled_from(["0.5K", "1K", "2K", "4K"]),
                "images_count": st.integers(1, 4),
            },
        ),
    ),
    st.tuples(
        st.just(GPT),
        st.fixed_dictionaries(
            {"prompt": st.just("a hen")},
            optional={
                "mode": st.sampled_from(["low", "medium", "high", "auto"]),
                "resolution": st.sampled_from(["1024x1024", "3840x2160", "auto"]),
                "images_count": st.integers(1, 4),
            },
        ),
    ),
    st.tuples(
        st.just(VEO),
        st.fixed_dictionaries(
            {"prompt": st.just("a hen")},
            optional={
                "resolution": st.sampled_from(["720p", "4K"]),
                "duration_seconds": st.sampled_from([4, 8, 12]),
            },
        ),
    ),
    st.tuples(
        st.just(KLING),
        st.fixed_dictionaries(
            {
                "prompt": st.just("a hen"),
                "mode": st.just("pro"),
                "resolution": st.just("1080p"),
                "duration_seconds": st.sampled_from([5, 10]),
            }
        ),
    ),
    st.tuples(
        st.just(TEXT),
        st.fixed_dictionaries(
            {"prompt": st.text(min_size=1).filter(lambda text: "\0" not in text)},
            optional={"max_output_tokens": st.integers(1, 8192)},
        ),
    ),
    st.tuples(st.just(EMBEDDING), st.fixed_dictionaries({"inputs": st.just(["a hen", "an egg"])})),
)
coupons = st.none() | st.one_of(
    st.builds(Coupon, code=st.just("C"), percent=st.integers(1, 100)),
    st.builds(Coupon, code=st.just("C"), fixed_nano=st.integers(1, 10**9)),
)


@given(
    body=bodies,
    coupon=coupons,
    terms=st.dictionaries(st.sampled_from(["nanobanana-2", "*"]), st.integers(0, 100)).map(AccountTerms),
)
def test_an_estimate_is_what_a_generation_of_the_same_body_holds(
    body: tuple[Target, dict[str, Any]], coupon: Coupon | None, terms: AccountTerms
) -> None:
    offer, params = body
    content = {**offer.names, "params": params}
    owner = KeyOwner("key_1", "acc_1", suspended=False, terms=terms)
    request = Request({"type": "http", "state": {"request_id": "req_1"}})

    estimated = order_of(content, TARGETS, PARTS, terms, coupon)
    told = estimate_body(estimated.target, estimated.priced, Balance())
    submission = submission_of(order_of(content, TARGETS, PARTS, terms, coupon), owner, None, request)

    assert told["estimated_amount"] == units_text(submission.quote.hold_nano)
    assert told["balance_sufficient"] is (submission.quote.hold_nano == 0)
    assert (submission.quote, submission.coupon) == (estimated.priced.quote, coupon)
