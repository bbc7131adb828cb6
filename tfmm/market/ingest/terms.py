"""The instruments of a store: what is given, found in the files or told by a name, and what is said of that."""

from collections.abc import Sequence

import msgspec

from tfmm.market import instruments, listings, schema, synthetic
from tfmm.market.ingest import price_steps, time_zones


def instrument(
    name: str, listed: tuple[str, str], parts: Sequence[time_zones.Part], given: instruments.Terms, where: str
) -> tuple[schema.Instrument, list[str], bool]:
    """An instrument, what the user should know of it, and whether its quote currency is assumed.

    Args:
        name: in the store. listed: (symbol, venue) as the venue lists it. given: by the user.
        parts: (folder, spool.Spooled, spool.Stream) of all files of it. where: the raw files, for errors.
    """
    price, size = instruments.Steps(), instruments.Steps()
    found = instruments.Terms()
    for _, one, stream in parts:
        price.merge(price_steps.of(stream))
        size.merge(instruments.Steps(stream.size_counts, stream.size_divisors))
        told = one.contracts.get(stream.symbol, instruments.Terms())
        found = told if told != instruments.Terms() else found
    known = listings.contract(*listed)
    named = known.terms
    if named.quote_currency is None:
        vendors = {one.layout.split(" ")[0] for _, one, _ in parts}
        currency = listings.quote_currency(*listed) or listings.vendors_currency(vendors)
        named = msgspec.structs.replace(named, quote_currency=currency)
    out = instruments.combine(
        name, given, found, named, lambda: price_steps.tick_size(price, parts, f"{where}: {name}: tick size"),
        # without any size the session is refused, with its report
        lambda: size.lot(f"{where}: {name}: lot size") if size.counts.any() else 1.0,
    )  # fmt: skip
    notes = []
    if known.note and given.inverse is None and given.multiplier is None and found.inverse is None:
        notes.append(known.note)
    return out, notes, all(one.quote_currency is None for one in (given, found, named))


def assumed(names: Sequence[str]) -> str:
    """What is said of instruments whose quote currency is assumed."""
    return f"quote currency of {', '.join(names)} taken as USD; --instrument {names[0]}:quote_currency=... says another"


def implied(
    triangle: synthetic.Triangle, first: schema.Instrument, second: schema.Instrument, px: tuple[float, float]
) -> schema.Instrument:
    """The instrument of synthetic quotes. px: typical prices of its legs.

    Its currency: of X/Y x Y/Z that of the second leg, of X/Z : Y/Z the base of the second leg.
    """
    made = instruments.Terms(tick_size=synthetic.tick_size(triangle, *px), lot_size=first.lot_size)
    currency: str | None = second.quote_currency
    if triangle.divide:
        pair = listings.pair(second.symbol)
        currency = listings.quote_currency(triangle.name) or (pair[0] if pair else None)
    named = instruments.Terms(quote_currency=currency)
    return instruments.combine(triangle.name, made, instruments.Terms(), named, lambda: 0.0, lambda: 0.0)
