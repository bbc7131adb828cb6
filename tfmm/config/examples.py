"""The further systems: quote_target, zero_norm and daily_trading, a section of a configuration for each."""

import pathlib
from typing import Annotated, Literal

import msgspec

Positive = Annotated[float, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(ge=0, lt=1)]


class QuoteTarget(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The toy market of environments.examples.quote_target.

    action: `prices`, where the bounds of both components stand for price_range, or `mid_spread`: log mid in
    +/- log_mid_range and log spread in [0, log_spread_range], ask = mid x spread, bid = mid / spread.
    window_steps: length of an episode.
    """

    action: Literal["prices", "mid_spread"] = "prices"
    price_range: tuple[NotNegative, Positive] = (0.0, 3.0)
    log_mid_range: Positive = 1.0
    log_spread_range: Positive = 2.0
    window_steps: Count = 64


class ZeroNorm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`size` numbers to be brought to 0 (environments.examples.zero_norm); an episode ends with their norm below
    done_norm."""

    size: Count = 256
    done_norm: Positive = 0.1
    max_steps: Count = 100


class DailyTrading(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One share on daily bars (environments.examples.daily_trading).

    train, test: CSV files with columns Timestamp, Open, High, Low, Close, Volume. validation_share: last part of
    train, kept for choosing the best policy. macro: further such files, whose returns are seen too; they must
    have a bar for every date of train and test.
    window_bars: bars that are seen; the first order is executed at the close of the bar after them.
    episode_bars: length of a training episode, from a random bar; longer than the data: all of it.
    indicators: MACD 12/26/9, ATR 14 and EMA 12/26/200 are seen too.
    cost: share of the traded value, of every trade. capital: money at the start.
    max_move: largest rise of the price in a day that a short position must survive (Theate and Ernst 2021).
    reward: `return`, the change of wealth in a day over wealth, or `sharpe`, the annualised Sharpe ratio of the last
    sharpe_bars daily returns; either within +/- reward_clip.
    """

    train: str = ""
    test: str = ""
    macro: tuple[str, ...] = ()
    validation_share: Share = 0.2
    window_bars: Annotated[int, msgspec.Meta(ge=2)] = 30
    episode_bars: Count = 250
    indicators: bool = False
    cost: Annotated[float, msgspec.Meta(ge=0, lt=0.5)] = 0.001
    capital: Positive = 100_000.0
    max_move: Positive = 0.1
    reward: Literal["return", "sharpe"] = "return"
    reward_clip: Positive = 1.0
    sharpe_bars: Annotated[int, msgspec.Meta(ge=2)] = 20


def absolute(daily):
    """A DailyTrading with the paths of its files made absolute."""
    files = {
        name: str(pathlib.Path(getattr(daily, name)).resolve()) for name in ("train", "test") if getattr(daily, name)
    }
    macro = tuple(str(pathlib.Path(one).resolve()) for one in daily.macro)
    return msgspec.structs.replace(daily, macro=macro, **files)


SECTIONS = {"quote_target": QuoteTarget, "zero_norm": ZeroNorm, "daily_trading": DailyTrading}


def check(config):
    """Raises ValueError where a section belongs to another environment, or its values do not fit each other."""
    for name, kind in SECTIONS.items():
        if name != config.environment.name and getattr(config, name) != kind():
            raise ValueError(f"section {name} is given with environment.name {config.environment.name}, wanted {name}")
    low, high = config.quote_target.price_range
    if low >= high:
        raise ValueError(f"quote_target.price_range is [{low:g}, {high:g}], wanted the smaller first")
