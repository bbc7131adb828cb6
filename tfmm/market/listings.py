"""What the name of an instrument, and its venue, tell of it: the currency of its price, and the kind of contract.

Names are read as the venues write them: BTCUSDT, BTC-USDT-SWAP, BTC/USDT:USDT, BTC_USDC-PERPETUAL, USD_RUB, EURUSD.
Ignored: contracts that were renamed or changed by their venue.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from tfmm.market import instruments


def _words(text):
    return tuple(text.split())


_FIAT = frozenset(
    _words(
        "USD EUR GBP JPY CHF CAD AUD NZD CNY CNH HKD SGD SEK NOK DKK PLN CZK HUF RON BGN RUB TRY INR BRL MXN ZAR KRW "
        "TWD THB IDR MYR PHP VND ILS AED SAR KZT UAH ARS CLP COP PEN NGN EGP BYN GEL AMD"
    )
)
_METALS = frozenset(_words("XAU XAG XPT XPD"))
_DOLLARS = _words("USDT USDC FDUSD PYUSD USDP USDD USDE USD1")
_OLD_DOLLARS = _words("BUSD TUSD GUSD")  # XBTUSD is no XB/TUSD: only behind the coins that traded against them
_OLD_BASES = frozenset(
    _words("BTC ETH BNB SOL XRP ADA DOGE LTC DOT AVAX MATIC LINK TRX SHIB BCH ETC FIL ATOM NEAR USDT USDC APE GMT LUNC")
)
_COINS = ("BTC", "XBT", "ETH", "BNB")
_OTHERS = ("DAI", "EURT", "EURC", "EURI", "UST", "TRX", "XRP", "SOL")
_CURRENCIES = _FIAT | frozenset((*_DOLLARS, *_OLD_DOLLARS, *_COINS, *_OTHERS))
_SAME = {"XBT": "BTC", "UST": "USDT"}  # two names of one currency
_TAIL = re.compile(
    r"[-_.]+(?:PERP|PERPETUAL|SWAP|SPOT|FUTURES?|TOM|TOD|SPT|P|\d{6}|\d{8}|\d{1,2}[A-Z]{3}\d{2})$|F0$|"
    r"(?<=[A-Z]{3})[FGHJKMNQUVXZ]\d{2}$"
)  # fmt: skip
_SHORTEST_PAIR = 6  # letters of a pair without separator; shorter words are tickers

_SUFFIXES = {"SS": "CNY", "SH": "CNY", "SZ": "CNY", "HK": "HKD", "TO": "CAD", "AX": "AUD", "NS": "INR", "BO": "INR",
             "SA": "BRL", "KS": "KRW", "KQ": "KRW", "DE": "EUR", "PA": "EUR", "AS": "EUR", "MI": "EUR", "MC": "EUR",
             "ME": "RUB"}  # fmt: skip
_OF_VENUE = {"sse": "CNY", "szse": "CNY", "moex": "RUB", "hkex": "HKD", "nasdaq": "USD", "nyse": "USD", "xnas": "USD",
             "xnys": "USD", "hyperliquid": "USDC"}  # fmt: skip

_OF_VENDOR = {"chinese-level2": "CNY", "moex": "RUB", "lobster": "USD", "polygon": "USD", "taq": "USD"}

_VENUES = _words(
    "binance binance-futures binance-delivery binance-us binance-options binance-spot bybit bybit-spot okx okx-swap "
    "okx-futures okx-spot okex okex-swap okex-futures deribit bitmex coinbase coinbase-pro coinbase-international gdax "
    "kraken kraken-futures cryptofacilities bitfinex bitfinex-derivatives bitstamp huobi huobi-dm huobi-dm-swap "
    "huobi-dm-linear-swap kucoin kucoin-futures gate-io gate-io-futures gateio hyperliquid dydx ftx phemex poloniex "
    "upbit bithumb bitget bitget-futures mexc crypto-com ascendex nasdaq nyse moex sse szse hkex"
)
_ALIASES = {"okex": "okx", "okex-swap": "okx", "okex-futures": "okx", "okx-swap": "okx", "okx-futures": "okx",
            "okx-spot": "okx", "coinbase-pro": "coinbase", "gdax": "coinbase", "kraken-futures": "cryptofacilities",
            "gateio": "gate-io", "binance-spot": "binance", "binance-usdm": "binance-futures",
            "binance-coinm": "binance-futures", "binance-delivery": "binance-futures"}  # fmt: skip
_ANY_VENUE = "|".join(sorted((name.replace("-", "[-_]") for name in _VENUES), key=len, reverse=True))
_FIRST_VENUE = re.compile(rf"({_ANY_VENUE})(?=[-_. ]|$)", re.IGNORECASE)
_LAST_VENUE = re.compile(rf"(?:^|[-_. ])({_ANY_VENUE})$", re.IGNORECASE)

_DERIBIT = re.compile(r"(BTC|ETH)-(PERPETUAL|\d{1,2}[A-Z]{3}\d{2})")
_DERIBIT_OPTION = re.compile(r"(BTC|ETH)-\d{1,2}[A-Z]{3}\d{2}-\d+-[CP]")
_BINANCE = re.compile(r"([A-Z0-9]+)USD_(PERP|\d{6})")
_OKX = re.compile(r"([A-Z0-9]+)-USD-(SWAP|\d{6})")
_SETTLED_IN_BASE = re.compile(r"([A-Z0-9]+)/([A-Z]+):\1(-.*)?")
_KRAKEN = re.compile(r"(PI|FI)_([A-Z0-9]+)USD(_\d{6})?")
_BYBIT = re.compile(r"([A-Z0-9]+)USD([FGHJKMNQUVXZ]\d\d)?")
_BITMEX = re.compile(r"XBT(USD|EUR|[FGHJKMNQUVXZ]\d\d)")
_BITMEX_QUANTO = re.compile(r"([A-Z0-9]+)USD([FGHJKMNQUVXZ]\d\d)?")
_QUANTO_XBT = {"ETHUSD": 1e-6}  # XBT for a move of one USD and one contract


class Contract(NamedTuple):
    """terms: what is known of it. note: what the user should know of that, "" for nothing."""

    terms: instruments.Terms = instruments.Terms()
    note: str = ""


def folded(symbol: str) -> str:
    """A symbol without what spellings of it differ in: case and separators."""
    return re.sub(r"[-_/.: ]", "", symbol).upper()


def venue(text: str) -> str:
    """One name for each venue: in small letters, with hyphens; "okx" of OKEX, "binance-futures" of binance_futures."""
    name = re.sub(r"[_ ]+", "-", text.strip(" \0\t\"'").lower())
    return _ALIASES.get(name, name)


def split_venue(text: str) -> tuple[str, str]:
    """(symbol, venue) of BTCUSDT@BYBIT, or of a name that begins or ends with a known venue or is one."""
    name, _, at = text.rpartition("@")
    if name and re.fullmatch(r"[A-Za-z][\w.-]*", at):
        return name, venue(at)
    if match := _FIRST_VENUE.match(text) or _LAST_VENUE.search(text):
        return (text[: match.start()] + text[match.end() :]).strip("-_. "), venue(match[1])
    return text, ""


def pair(symbol: str) -> tuple[str, str] | None:
    """(base, quote currency) of the name of a pair, also of a contract on one; None of another name."""
    name = symbol.upper()
    head, _, settled = name.partition(":")
    name = head if "/" in head or not settled else f"{head}/{settled}"
    name = re.sub(r"^(?:PI|PF|FI|FF)_", "", name)
    for _ in range(3):
        name = _TAIL.sub("", name)
    parts = [part for part in re.split(r"[-_/]+", name) if part]
    if len(parts) > 1:
        found = re.sub(r"F0$", "", parts[1])
        return (parts[0], _SAME.get(found, found)) if found in _CURRENCIES else None
    whole = parts[0] if parts else ""
    base = whole[:-1] if len(whole) == 7 and whole.endswith("F") else whole  # USDRUBF of MOEX
    if len(base) == 6 and base[:3] in _FIAT | _METALS and base[3:] in _FIAT:
        return base[:3], base[3:]
    for found in (*_DOLLARS, *_OLD_DOLLARS):
        base = whole.removesuffix(found)
        if base and base != whole and (found in _DOLLARS or base.removeprefix("1000") in _OLD_BASES):
            return base, found
    for found in (*_COINS, *sorted(_FIAT)):
        least = 5 if found == "USD" else _SHORTEST_PAIR
        if whole.endswith(found) and len(whole) >= least:
            return whole[: -len(found)], _SAME.get(found, found)
    return None


def quote_currency(symbol: str, at: str = "") -> str | None:
    """The currency in which an instrument is priced; None where neither its name nor its venue tells. at: the venue."""
    name = symbol.upper()
    if match := _DERIBIT_OPTION.fullmatch(name):
        return match[1]
    if _DERIBIT.fullmatch(name) or (at == "bitmex" and _BITMEX.fullmatch(name)):
        return "EUR" if name.endswith("EUR") else "USD"
    if name.startswith(("USD000", "EUR_RUB", "CNYRUB")) and name.endswith(("TOM", "TOD", "SPT")):
        return "RUB"  # MOEX: USD000UTSTOM
    if found := pair(name):
        return found[1]
    head, dot, suffix = name.rpartition(".")
    if dot and head:
        return _SUFFIXES.get(suffix)
    return _OF_VENUE.get(at)


def vendors_currency(vendors: Iterable[str]) -> str | None:
    """The currency of vendors whose files hold one market's instruments; None of others."""
    found = {_OF_VENDOR.get(one) for one in vendors}
    return found.pop() if len(found) == 1 else None


def contract(symbol: str, at: str = "") -> Contract:
    """What is known of a contract by its name and venue, in the size unit of its files. at: the venue, or ""."""
    name = symbol.upper()
    if _DERIBIT.fullmatch(name) and at in ("", "deribit"):
        return _inverse(symbol, 1.0, "USD")  # amounts are in USD
    if (match := _BINANCE.fullmatch(name)) and (not at or at.startswith("binance")):
        return _inverse(symbol, 100.0 if match[1] == "BTC" else 10.0, "USD")
    if (match := _OKX.fullmatch(name)) and at in ("", "okx", "huobi-dm", "huobi-dm-swap"):
        return _inverse(symbol, 100.0 if match[1] == "BTC" else 10.0, "USD")
    if _KRAKEN.fullmatch(name):
        return _inverse(symbol, 1.0, "USD")
    if at == "bybit" and _BYBIT.fullmatch(name):
        return _inverse(symbol, 1.0, "USD")
    if at == "bitmex" and (match := _BITMEX.fullmatch(name)):
        return _inverse(symbol, 1.0, "EUR" if match[1] == "EUR" else "USD")
    if at == "bitmex" and _BITMEX_QUANTO.fullmatch(name):
        return _quanto(symbol, name)
    return _unsure(symbol, name, at)


def _inverse(symbol, multiplier, currency):
    terms = instruments.Terms(inverse=True, multiplier=multiplier, quote_currency=currency)
    return Contract(
        terms,
        f"{symbol} is taken as an inverse contract of {multiplier:g} {currency}, as its venue lists it; --instrument "
        f"{symbol}:inverse=false or :multiplier=... says otherwise",
    )


def _quanto(symbol, name):
    """A quanto contract is a linear one in the currency that it is settled in."""
    if name in _QUANTO_XBT:
        terms = instruments.Terms(inverse=False, multiplier=_QUANTO_XBT[name], quote_currency="XBT")
        return Contract(
            terms,
            f"{symbol} of BitMEX is a quanto contract: its money is counted in XBT, {_QUANTO_XBT[name]:g} XBT for each "
            "USD of its price; in USD it is not supported",
        )
    return Contract(
        note=f"{symbol} of BitMEX looks like a quanto contract, which is settled in XBT at a fixed rate: not supported "
        f"in USD, but counted so; --instrument {symbol}:quote_currency=XBT,multiplier=... counts it in XBT"
    )


def _unsure(symbol, name, at):
    if match := _SETTLED_IN_BASE.fullmatch(name):
        terms = instruments.Terms(inverse=True, quote_currency=match[2])
        return Contract(
            terms,
            f"{symbol} is settled in {match[1]} and taken as an inverse contract of 1 {match[2]}; --instrument "
            f"{symbol}:multiplier=... gives the value of a contract",
        )
    looks = (at in ("", "bitmex") and re.fullmatch(r"XBT(USD|[FGHJKMNQUVXZ]\d\d)", name)) or re.fullmatch(
        r"(BTC|ETH)[-_]?USD[-_](PERP|PERPETUAL|SWAP|QUARTER|NQ|CQ|\d{6})", name
    )
    if looks or (at.startswith(("gate-io-futures", "huobi-dm")) and re.fullmatch(r"[A-Z0-9]+[-_]USD", name)):
        return Contract(
            note=f"{symbol} looks like an inverse contract, but is taken as linear; --instrument {symbol}:inverse=true "
            "(or false) with multiplier= says which"
        )
    return Contract()
