"""CSV that reads back as it was written and that no spreadsheet runs."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.csv_lines import csv_line


@pytest.mark.parametrize(
    ("cells", "line"),
    [
        (["a", 1, None, "b"], "a,1,,b\r\n"),
        ([True, False], "true,false\r\n"),
        (['a "b", c', "two\nlines"], '"a ""b"", c","two\nlines"\r\n'),
        (["=1+1", "+1+1", "-1+1", "@SUM(A1)"], "'=1+1,'+1+1,'-1+1,'@SUM(A1)\r\n"),
        (['=HYPERLINK("http://a.example")'], '"\'=HYPERLINK(""http://a.example"")"\r\n'),
        (["\t=1", "\r=1"], "'\t=1,\"'\r=1\"\r\n"),
        (["-0.500000000", "-$0.0100", -5], "-0.500000000,-$0.0100,-5\r\n"),
        (["-0.5-1", "-"], "'-0.5-1,'-\r\n"),
    ],
)
def test_a_line(cells: list[str | int | None], line: str) -> None:
    assert csv_line(cells) == line


@given(cells=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1))
def test_every_text_reads_back_but_for_the_apostrophe_of_formulas(cells: list[str]) -> None:
    (read,) = csv.reader(io.StringIO(csv_line([*cells, "end"]), newline=""))

    assert len(read) == len(cells) + 1
    for before, after in zip(cells, read, strict=False):
        assert after in (before, f"'{before}")
        assert after[:1] not in ("=", "+", "@", "\t", "\r", "\n")
