"""Statements and usage show an account what is its own, whatever is asked for."""

from __future__ import annotations

import pytest

from tests.harness.stack import Stack


@pytest.mark.parametrize("path", ["/v1/ledger", "/v1/usage", "/v1/usage/summary"])
async def test_no_parameter_leads_to_what_belongs_to_somebody_else(stack: Stack, path: str) -> None:
    async with await stack.customer() as owner, await stack.customer("0") as other:
        task_id = await owner.submit()
        await owner.finished(task_id)
        assert task_id in (await owner.http.get("/v1/ledger")).text
        far = f"99999999999999.{'z' * 40}"
        for query in (
            "",
            "?format=csv",
            "?limit=100",
            "?limit=100&cursor=999999999.0",
            f"?limit=100&cursor={far}",
            f"?key={owner.key_id}",
            f"?key={owner.key_id}&format=csv",
            "?by=key",
            "?by=key&format=csv",
            "?from=2020-01-01&to=2099-01-01",
            f"?account_id={owner.account_id}",
            f"?account={owner.account_id}",
            "?model[$ne]=x",
            "?key[$gt]=",
            "?cursor[$gt]=1",
        ):
            answer = await other.http.get(path + query)
            assert answer.status_code in {200, 400, 422}, answer.text
            assert task_id not in answer.text
            assert owner.account_id not in answer.text.replace(query, "")
            if answer.status_code == 200:
                assert "nanobanana" not in answer.text
                assert owner.key_id not in answer.text
