"""The books of all symbols of a file: changes of levels or orders in, rows of quotes and trades out."""

import pathlib
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tfmm import arrays, errors
from tfmm.market.readers import naming, order_book, orders

Key = TypeVar("Key", bound=str | naming.Name)


def build(
    batches: Iterable[tuple[Key, arrays.Records]], path: pathlib.Path, counts: dict[str, int]
) -> Iterator[tuple[Key, arrays.Records]]:
    """Yields (symbol, rows); changes go through the book of their symbol, others as they are.

    Args:
        batches: (symbol, (K,) order_book.UPDATE, orders.ORDER or raw.RAW). path: of the file, for errors.
        counts: what was counted is added to it, by the names in order_book.COUNTS.

    Raises:
        DataError: a book that is never known.
    """
    books: dict[Key, order_book.Builder] = {}
    resting: dict[Key, orders.Orders] = {}
    for symbol, rows in batches:
        if rows.dtype == orders.ORDER:
            yield symbol, orders.trades(rows)
            rows = resting.setdefault(symbol, orders.Orders()).updates(rows)
        if rows.dtype == order_book.UPDATE:
            rows = books.setdefault(symbol, order_book.Builder()).apply(rows)
        if len(rows):
            yield symbol, rows
    for symbol, book in books.items():
        if len(rows := book.finish()):
            yield symbol, rows
        found = dict(zip(order_book.COUNTS, book.counts.tolist(), strict=True))
        if found["book_updates"] and not found["snapshots"]:
            changes = found["updates_before_snapshot"]
            raise errors.DataError(
                f"{path}: {changes} changes of the order book of {naming.name(symbol).symbol}, but no snapshot of it, "
                "wanted one before them: what rests in the book is not known"
            )
        for name, count in found.items():
            counts[name] = counts.get(name, 0) + count


def note(path: pathlib.Path, counts: dict[str, int]) -> str:
    """What a user should know of the books of a file; empty where each change is understood. counts: of `build`."""
    wrong = {
        "lost": counts.get("lost_updates", 0),
        "not understood": counts.get("updates_not_understood", 0),
        "before the first snapshot or after a loss": counts.get("updates_before_snapshot", 0),
    }
    if not any(wrong.values()):
        return ""
    listed = ", ".join(f"{count} {what}" for what, count in wrong.items() if count)
    return f"{path.name}: of {counts['book_updates']} changes of the order book {listed}: the market is unknown there"
