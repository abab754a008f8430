"""Methods, prices and the balance."""

from __future__ import annotations

from services.api.dialects.aigenway.errors import InvalidRequest, UnsupportedProvider
from services.api.dialects.aigenway.listings import DEFAULT_PAGE_SIZE, MOST_PAGE
from services.api.reference.aigenway import examples
from services.api.reference.model import Answer, Content, Operation, Problem
from services.api.reference.parameters import query
from services.api.reference.schema import ref, text, whole
from services.api.reference.statements import FORMAT, bad_query, file_of
from services.api.scopes import Scope
from services.api.statements.bodies import BALANCE_COLUMNS

_PROVIDER = query("provider", "Only of this provider.", text())
_UNKNOWN = Problem(UnsupportedProvider(), "there is no such provider")


def listings() -> tuple[Operation, ...]:
    """What is offered, for how much, and what is left."""
    methods, prices = {"One method": examples.METHODS}, {"One price": examples.PRICES}
    return (
        Operation(
            method="GET",
            path="/v1/methods",
            name="listMethods",
            summary="List the methods and what they take",
            scope=Scope.MODELS_READ,
            parameters=(_PROVIDER,),
            answers=(Answer(200, "All methods.", (Content(ref("MethodList"), methods),)),),
            problems=(_UNKNOWN,),
        ),
        Operation(
            method="GET",
            path="/v1/prices",
            name="listPrices",
            summary="List the prices",
            description="Per image, per second, per request, or per million tokens, as `pricing_type` says.",
            scope=Scope.MODELS_READ,
            parameters=(
                _PROVIDER,
                query("page", "From 1.", whole(minimum=1, maximum=MOST_PAGE, default=1)),
                query(
                    "pageSize",
                    "More than 100 are served as 100.",
                    whole(minimum=1, default=DEFAULT_PAGE_SIZE),
                ),
            ),
            answers=(Answer(200, "A page of prices.", (Content(ref("PricePage"), prices),)),),
            problems=(
                _UNKNOWN,
                Problem(InvalidRequest("page must be a whole number"), "`page` or `pageSize` is wrong"),
            ),
        ),
        Operation(
            method="GET",
            path="/v1/balance",
            name="readBalance",
            summary="Read the balance",
            scope=Scope.TASKS_READ,
            parameters=(FORMAT,),
            answers=(
                Answer(
                    200,
                    "What there is; as a file in USD.",
                    (
                        Content(ref("Balance"), {"A balance": examples.BALANCE}),
                        file_of(BALANCE_COLUMNS, examples.BALANCE_ROW),
                    ),
                ),
            ),
            problems=(bad_query("format", "must be json or csv"),),
        ),
    )
