"""QuantConnect Lean's ticks of equities, which are not read: each row is the quote of one exchange by itself.

DATE_quote.zip holds DATE_SYMBOL_Quote_Tick.csv: ms since midnight in New York, bid x 10000, size, ask x 10000, size,
exchange, condition, suspicious.
"""

import re

from tfmm import errors
from tfmm.market.readers import layout

_NAME = re.compile(r"\d{8}_.+_(?:quote|trade)_tick\.csv", re.IGNORECASE)


def _refused(source):
    raise errors.DataError(
        f"{source.path}: ticks of QuantConnect Lean, which are not read: their quotes are those of single exchanges; "
        "merge them to the best bid and ask, and give tob_SYMBOL_DATE and trade_SYMBOL_DATE"
    )


LAYOUTS = (
    layout.Layout(
        vendor="lean", table="ticks", stream=_refused, recognise=lambda path, _head: bool(_NAME.fullmatch(path.name))
    ),
)
