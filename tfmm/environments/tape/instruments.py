"""Roles of the instruments of a store: which are quoted, and whose mid converts which quote currency."""

from collections.abc import Iterable, Sequence

import numpy as np

from tfmm import errors
from tfmm.arrays import Ints
from tfmm.config.environment import Environment
from tfmm.config.experiment import Config
from tfmm.market.schema import TRADE, Instrument
from tfmm.market.splits import Segment
from tfmm.market.store import Store, release

_BLOCK_ROWS = 1 << 20


def quoted(environment: Environment, instruments: Sequence[Instrument]) -> Ints:
    """(Q,) int64 indices of the quoted instruments: environment.quoted, or all but the synthetic ones.

    Raises:
        ConfigError: a name that the store does not have.
    """
    symbols = [instrument.symbol for instrument in instruments]
    _require_names(symbols, environment.quoted, "environment.quoted")
    _require_names(symbols, environment.synthetic.keys(), "environment.synthetic")
    _require_names(symbols, environment.synthetic.values(), "environment.synthetic")
    chosen = environment.quoted or [symbol for symbol in symbols if symbol not in environment.synthetic.values()]
    return np.array([n for n, symbol in enumerate(symbols) if symbol in chosen])


def rates(config: Config, instruments: Sequence[Instrument]) -> dict[int, int]:
    """{quoted instrument: the instrument whose mid is the price of its quote currency in the account currency}.

    Instruments that are quoted in the account currency are left out.

    Raises:
        ConfigError: data.rates has nothing for a quote currency, or a symbol that the store does not have or that is
            quoted in another currency.
    """
    symbols = [instrument.symbol for instrument in instruments]
    account = currency(config, instruments)
    out = {}
    for n in quoted(config.environment, instruments):
        quote = instruments[n].quote_currency
        if quote == account:
            continue
        if quote not in config.data.rates:
            raise errors.ConfigError(
                f"data.rates has nothing for {quote}, in which {symbols[n]} is quoted, wanted {quote} = the symbol "
                f"whose price is {account} for a {quote} (accounts are kept in {account}, see data.currency)"
            )
        _require_names(symbols, [config.data.rates[quote]], "data.rates")
        out[int(n)] = symbols.index(config.data.rates[quote])
        got = instruments[out[int(n)]].quote_currency
        if got != account:
            raise errors.ConfigError(
                f"data.rates: {config.data.rates[quote]} is quoted in {got}, wanted {account}, in which accounts are "
                "kept"
            )
    return out


def currency(config: Config, instruments: Sequence[Instrument]) -> str:
    """Name of the account currency: data.currency, or the quote currency of the first quoted instrument."""
    return config.data.currency or instruments[quoted(config.environment, instruments)[0]].quote_currency


def _require_names(symbols: Sequence[str], names: Iterable[str], key: str) -> None:
    for name in names:
        if name not in symbols:
            raise errors.ConfigError(f"{key}: {name} is not in the store, wanted some of {', '.join(symbols)}")


def check_trades(config: Config, store: Store, segments: Sequence[Segment]) -> None:
    """Raises DataError where the tape should fill quotes, and no trade of a quoted instrument is in the segments."""
    if not config.rules.tape_fills:
        return
    chosen = quoted(config.environment, store.instruments)
    for segment in segments:
        for start in range(segment.start_row, segment.stop_row, _BLOCK_ROWS):
            block = store.events[start : min(start + _BLOCK_ROWS, segment.stop_row)]
            if np.isin(block["instrument"][block["kind"] == TRADE], chosen).any():
                return
            release(store.events)
    names = ", ".join(store.instruments[n].symbol for n in chosen)
    raise errors.DataError(
        f"{config.data.store}: train has no trades of {names}, which fills of the tape want: add the files of its "
        "trades, or let only clients trade with rules.tape_fills=false (configs/client_flow.toml)"
    )
