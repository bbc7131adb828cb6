"""Numbers as people write them: which marks they have, and what they are, by hand."""

import numpy as np
import pyarrow as pa
import pytest

from tfmm.market.readers import cells


@pytest.mark.parametrize(
    ("texts", "separator", "style"),
    [
        (["4.913", "4.91"], ",", (".", False)),
        (["4,913", "4,91"], ";", (",", False)),
        (["4,913", "1079800"], ";", (",", False)),  # who parts no thousands there parts none here
        (["4,913", "914"], ";", (".", False)),  # either: refused where it is read
        (["4,913", "1079800"], ",", (".", False)),
        (["1,234.05", "999.95"], ",", (".", True)),
        (["1.234,05"], ";", (",", True)),
        (["1,234,567"], ",", (".", True)),
        (["0,913"], ";", (",", False)),  # no group of thousands begins with 0
        (["1\u202f234,05", "2 000"], ";", (",", False)),
        (["1'234.05"], ",", (".", False)),
        (["1,5", "1.5"], ";", (".", False)),
        (["", "x"], ",", (".", False)),
    ],
)
def test_marks_of_numbers(texts, separator, style):
    assert cells.style(texts, separator) == style


@pytest.mark.parametrize(
    ("texts", "style", "values"),
    [
        (["1,234.05", "1,234", "999"], (".", False), [1234.05, 1234, 999]),  # the first shows what commas are
        (["1,234", "999"], (".", False), [None, 999]),
        (["1,234", "999"], (".", True), [1234, 999]),
        (["1,23.4", "12,34", "1.2.3"], (".", True), [None, None, None]),
        (["1.234", "999,5", "1.234,5"], (",", True), [1234, 999.5, 1234.5]),
        (["1.5", "999,5"], (",", False), [None, 999.5]),  # no decimal point beside decimal commas
        (["-$1,234.05", "$ 5", "5 \u20ac", "+7"], (".", False), [-1234.05, 5, 5, 7]),
        (["1e3", "1.5E-2", "inf", "NaN", " 7 "], (".", False), [1000, 0.015, float("inf"), float("nan"), 7]),
    ],
)
def test_numbers_by_hand(texts, style, values):
    found, wrong = cells.numbers(pa.array(texts), cells.Style(*style))
    np.testing.assert_array_equal(found, [np.nan if value is None else value for value in values])
    assert wrong.tolist() == [value is None for value in values]
