"""Which instruments of a tape are quoted, around what and in which currency: names of a config made indices."""

import numpy as np

from tfmm import errors


def quoted(environment, instruments):
    """(Q,) int64 indices of the instruments that are quoted: environment.quoted, or all but the synthetic ones.

    Raises:
        ConfigError: a name that the store does not have.
    """
    symbols = [one.symbol for one in instruments]
    _known(symbols, environment.quoted, "quoted")
    _known(symbols, environment.synthetic.keys(), "synthetic")
    _known(symbols, environment.synthetic.values(), "synthetic")
    own = environment.quoted or [one for one in symbols if one not in environment.synthetic.values()]
    return np.array([n for n, symbol in enumerate(symbols) if symbol in own])


def rates(config, instruments):
    """{instrument: instrument whose mid is the worth of its quote currency} of those that are quoted in another one.

    Raises:
        ConfigError: no rate is given for a quote currency, or one that the store does not have.
    """
    own = quoted(config.environment, instruments)
    symbols = [one.symbol for one in instruments]
    account = currency(config, instruments)
    out = {}
    for n in own:
        quote = instruments[n].quote_currency
        if quote == account:
            continue
        if quote not in config.data.rates:
            raise errors.ConfigError(
                f"data.rates has nothing for {quote}, in which {symbols[n]} is quoted, wanted {quote} = the symbol "
                f"whose price is {account} for a {quote} (accounts are kept in {account}, see data.currency)"
            )
        _known(symbols, [config.data.rates[quote]], "rates", "data")
        out[int(n)] = symbols.index(config.data.rates[quote])
        got = instruments[out[int(n)]].quote_currency
        if got != account:
            raise errors.ConfigError(
                f"data.rates: {config.data.rates[quote]} is quoted in {got}, wanted {account}, in which accounts are "
                "kept"
            )
    return out


def currency(config, instruments):
    """Name of the currency that accounts are kept in: data.currency, or that of the first instrument quoted."""
    return config.data.currency or instruments[quoted(config.environment, instruments)[0]].quote_currency


def _known(symbols, names, key, section="environment"):
    for name in names:
        if name not in symbols:
            raise errors.ConfigError(
                f"{section}.{key}: {name} is not in the store, wanted some of {', '.join(symbols)}"
            )
