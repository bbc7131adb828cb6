"""What names of instruments and venues tell: the currency of the price, pairs, inverse and quanto contracts."""

import pytest

from tfmm import errors
from tfmm.market import instruments, listings, schema, synthetic
from tfmm.market.ingest import terms


@pytest.mark.parametrize(
    ("symbol", "venue", "currency"),
    [
        ("BTCUSDT", "", "USDT"), ("1000PEPEUSDT", "", "USDT"), ("BTC-USDT-SWAP", "okx", "USDT"), ("ETHBTC", "", "BTC"),
        ("BTC/USDT:USDT", "", "USDT"), ("BTC_USDC-PERPETUAL", "deribit", "USDC"), ("XRP_ETH", "", "ETH"),
        ("BTCF0:USTF0", "bitfinex", "USDT"), ("XBT/USD", "kraken", "USD"), ("XBTUSD", "", "USD"),
        ("BTCTUSD", "", "TUSD"), ("DOTUSD", "", "USD"), ("EURUSD", "", "USD"), ("USDCAD", "", "CAD"),
        ("USDJPY", "", "JPY"), ("USD_RUB", "", "RUB"), ("EUR-USD", "", "USD"), ("EURGBP", "", "GBP"),
        ("USDCNH", "", "CNH"), ("USDINR", "", "INR"), ("BTCBRL", "", "BRL"), ("USDRUBF", "", "RUB"),
        ("USD000UTSTOM", "", "RUB"), ("XAUUSD", "", "USD"), ("600000.SH", "", "CNY"), ("510050", "sse", "CNY"),
        ("BTC-27SEP24", "deribit", "USD"), ("BTC-27SEP24-60000-C", "deribit", "BTC"), ("BTC", "hyperliquid", "USDC"),
        ("IBM", "", None), ("BRK.B", "", None), ("ES.c.0", "", None), ("510050", "", None), ("STETH", "", None),
    ],
)  # fmt: skip
def test_the_currency_of_a_price_is_read_from_the_name_or_unknown(symbol, venue, currency):
    assert listings.quote_currency(symbol, venue) == currency


def test_vendors_of_one_market_tell_the_currency():
    assert listings.vendors_currency({"chinese-level2"}) == "CNY"
    assert listings.vendors_currency({"moex"}) == "RUB"
    assert listings.vendors_currency({"taq", "lobster"}) == "USD"
    assert listings.vendors_currency({"tfmm"}) is None
    assert listings.vendors_currency({"moex", "taq"}) is None


@pytest.mark.parametrize(
    ("symbol", "venue", "multiplier"),
    [
        ("BTC-PERPETUAL", "deribit", 1), ("ETH-27SEP24", "deribit", 1), ("BTCUSD_PERP", "", 100),
        ("ETHUSD_240927", "binance-futures", 10), ("BTC-USD-SWAP", "okx", 100), ("LTC-USD-240927", "", 10),
        ("BTCUSD", "bybit", 1), ("BTCUSDH24", "bybit", 1), ("XBTUSD", "bitmex", 1), ("XBTH24", "bitmex", 1),
        ("PI_XBTUSD", "cryptofacilities", 1),
    ],
)  # fmt: skip
def test_known_inverse_contracts(symbol, venue, multiplier):
    known = listings.contract(symbol, venue)
    assert known.terms == instruments.Terms(inverse=True, multiplier=multiplier, quote_currency="USD")
    assert symbol in known.note


@pytest.mark.parametrize(
    ("symbol", "venue"),
    [
        ("BTCUSDT", "bybit"), ("BTC_USDC-PERPETUAL", "deribit"), ("BTC-27SEP24-60000-C", "deribit"), ("BTCUSD", ""),
        ("BTC-USDT-SWAP", "okx"), ("BTC-USD", "coinbase"), ("EURUSD", ""), ("BTCUSDT_240927", "binance-futures"),
        ("BTC/USDT:USDT", ""), ("XBT/USD", "kraken"),
    ],
)  # fmt: skip
def test_linear_contracts_are_not_taken_for_inverse_ones(symbol, venue):
    assert listings.contract(symbol, venue) == listings.Contract()


def test_what_may_be_inverse_is_said():
    assert "looks like an inverse contract" in listings.contract("XBTUSD").note
    settled_in_coin = listings.contract("BTC/USD:BTC")
    assert settled_in_coin.terms.inverse is True
    assert "multiplier=..." in settled_in_coin.note


def test_a_quanto_contract_is_linear_in_the_coin_it_is_settled_in():
    # BitMEX: 1 contract of ETHUSD gains 1e-6 XBT for each USD of its price
    ether = listings.contract("ETHUSD", "bitmex")
    assert ether.terms == instruments.Terms(inverse=False, multiplier=1e-6, quote_currency="XBT")
    assert listings.contract("SOLUSD", "bitmex").terms == instruments.Terms()
    assert "not supported" in listings.contract("SOLUSD", "bitmex").note


def test_a_name_says_nothing_of_a_contract_of_another_kind():
    named = instruments.Terms(inverse=True, multiplier=100.0, quote_currency="USD")
    given = instruments.Terms(inverse=False)
    one = instruments.combine("X", given, instruments.Terms(), named, lambda: 0.1, lambda: 1.0)
    assert (one.inverse, one.multiplier, one.quote_currency) == (False, 1.0, "USD")
    found = instruments.Terms(inverse=True, multiplier=10.0)
    one = instruments.combine("X", instruments.Terms(), found, named, lambda: 0.1, lambda: 1.0)
    assert (one.inverse, one.multiplier) == (True, 10.0)


def test_the_currency_of_synthetic_quotes():
    btc = schema.Instrument(symbol="BTCUSDT", tick_size=0.1, quote_currency="USDT")
    eth = schema.Instrument(symbol="ETHUSDT", tick_size=0.1, quote_currency="USDT")
    cross = schema.Instrument(symbol="ETHBTC", tick_size=1e-5, quote_currency="BTC")

    def currency(text, *legs):
        return terms.implied(synthetic.parse(text), *legs, (2500.0, 50_000.0)).quote_currency

    assert currency("ETHBTC=ETHUSDT/BTCUSDT", eth, btc) == "BTC"
    assert currency("SYN=ETHUSDT/BTCUSDT", eth, btc) == "BTC"  # the base of the second leg
    assert currency("SYN=ETHBTC*BTCUSDT", cross, btc) == "USDT"


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("BTC/USDT:USDT:multiplier=0.001", "BTC/USDT:USDT"), ("BTCF0:USTF0:multiplier=0.001", "BTCF0:USTF0"),
        ("BRK.B:multiplier=0.001", "BRK.B"), ("EURUSD=X:multiplier=0.001", "EURUSD=X"),
        ("币安人生USDT:multiplier=0.001", "币安人生USDT"), ("BTCUSDT@BYBIT:multiplier=0.001", "BTCUSDT@BYBIT"),
    ],
)  # fmt: skip
def test_every_symbol_can_be_named_in_instrument(text, symbol):
    assert instruments.parse(text) == (symbol, instruments.Terms(multiplier=0.001))


KNOWN = ("BTCF0:USTF0", "XBT/USD", "BTC/USDT:USDT", "A", "B", "A/B")


@pytest.mark.parametrize(
    ("text", "first", "second", "tick"),
    [
        ("SYN=BTCF0:USTF0/XBT/USD", "BTCF0:USTF0", "XBT/USD", 0.0),
        ("SYN=XBT/USD/BTC/USDT:USDT@0.5", "XBT/USD", "BTC/USDT:USDT", 0.5),
        ('SYN="XBT/USD"/"A"@0.5', "XBT/USD", "A", 0.5), ("SYN=A/B", "A", "B", 0.0),
        ("SYN=A@BYBIT/B@OKX@0.5", "A@BYBIT", "B@OKX", 0.5),
    ],
)  # fmt: skip
def test_every_symbol_can_be_a_leg_of_synthetic_quotes(text, first, second, tick):
    one = synthetic.resolve(synthetic.parse(text), KNOWN)
    assert (one.first, one.second, one.divide, one.tick_size, one.readings) == (first, second, True, tick, ())


def test_legs_that_can_be_read_in_two_ways_must_be_quoted():
    known = ("A", "B/C", "A/B", "C")
    with pytest.raises(errors.ConfigError, match="legs may be A and B/C or A/B and C"):
        synthetic.resolve(synthetic.parse("SYN=A/B/C"), known)
    assert synthetic.resolve(synthetic.parse("SYN='A/B'/'C'"), known)[1:3] == ("A/B", "C")
    with pytest.raises(errors.ConfigError, match="legs may be A and X/Y or A/X and Y"):
        synthetic.resolve(synthetic.parse("SYN=A/X/Y"), known)
