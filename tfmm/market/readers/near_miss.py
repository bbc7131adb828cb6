"""Which layout a table resembles that no layout fits."""

import difflib
import re
from collections.abc import Sequence

from tfmm.market.readers import layout

_MOST_MISSING, _LEAST_FOUND = 2, 0.5


def nearest(header: Sequence[str], candidates: Sequence[layout.Layout]) -> layout.Layout | None:
    """The layout that misses fewest of its columns: one or two, and finds at least half of them; None without one.

    Of equal ones the one of which more columns are there, then the first.
    """
    best, fewest = None, (_MOST_MISSING + 1, 0)
    for one in candidates:
        missing = len(missing_columns(one, header))
        found = len(one.columns) - missing
        if one.convert is None or found < _LEAST_FOUND * len(one.columns):
            continue
        if 0 < missing < fewest[0] or (missing == fewest[0] and -found < fewest[1]):
            best, fewest = one, (missing, -found)
    return best


def missing_columns(one: layout.Layout, header: Sequence[str]) -> list[str]:
    """The columns of a layout that a header lacks."""
    return [name for name in one.columns if name not in header]


def message(one: layout.Layout, header: Sequence[str]) -> str:
    """Says which layout a table resembles, what it lacks and what it has instead."""
    missing = missing_columns(one, header)
    extra = [name for name in header if name not in one.columns]
    spelt = {re.sub(r"[^a-z0-9]", "", name.lower()): name for name in extra}
    said = []
    for name in missing:
        plain = re.sub(r"[^a-z0-9]", "", name.lower())
        close = difflib.get_close_matches(plain, spelt, 1)
        said.append(f"{name} (perhaps {spelt[close[0]]!r})" if close else name)
    return (
        f"no column {', '.join(said)}; it resembles {one.name}, got {', '.join(map(str, header))}, "
        f"wanted {', '.join(one.columns)}"
    )
