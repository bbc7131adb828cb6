"""Sections [quote_target], [zero_norm] and [daily_trading] of a configuration: the example environments."""

import pathlib
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from tfmm.config import types
from tfmm.config.types import about

PriceAction = Literal["prices", "mid_spread"]
DailyReward = Literal["return", "sharpe"]


class QuoteTarget(types.Section, frozen=True, kw_only=True):
    """The toy market of tfmm.environments.examples.quote_target."""

    # actions
    action: Annotated[
        PriceAction, about("Prices of ask and bid; or log mid and log spread, ask = mid x spread, bid = mid / spread.")
    ] = "prices"
    price_range: Annotated[
        tuple[types.NotNegative, types.Positive], about("Prices at actions -1 and 1 (prices).", "price")
    ] = (0.0, 3.0)
    log_mid_range: Annotated[types.Positive, about("Log mid at action 1 (mid_spread).", "1")] = 1.0
    log_spread_range: Annotated[types.Positive, about("Log spread at action 1, 0 at action -1 (mid_spread).", "1")] = (
        2.0
    )

    # decisions
    window_steps: Annotated[types.Count, about("Length of an episode.", "steps")] = 64


class ZeroNorm(types.Section, frozen=True, kw_only=True):
    """Numbers to be brought to 0 (tfmm.environments.examples.zero_norm)."""

    size: Annotated[types.Count, about("Numbers, each with a component of the action.", "numbers")] = 256
    done_norm: Annotated[types.Positive, about("Norm below which an episode ends.", "1")] = 0.1
    max_steps: Annotated[types.Count, about("Steps after which an episode is truncated.", "steps")] = 100


class DailyTrading(types.Section, frozen=True, kw_only=True):
    """One share on daily bars (tfmm.environments.examples.daily_trading), in CSV files with columns Timestamp, Open,
    High, Low, Close, Volume."""

    # market
    train: Annotated[str, about("CSV file to train on.")] = ""
    test: Annotated[str, about("CSV file to evaluate on.")] = ""
    macro: Annotated[
        types.Texts, about("CSV files whose returns are observed too, with a bar for every date of train and test.")
    ] = ()
    validation_share: Annotated[
        types.ShareBelow1, about("Last part of train, kept to choose the best policy.", "1")
    ] = 0.2

    # decisions and observations
    window_bars: Annotated[
        types.CountFrom2,
        about("Bars observed; the first order is executed at the close of the bar after them.", "bars"),
    ] = 30
    episode_bars: Annotated[
        types.Count, about("Length of a training episode, from a random bar; all of train if that is shorter.", "bars")
    ] = 250
    indicators: Annotated[bool, about("Whether MACD 12/26/9, ATR 14 and EMA 12/26/200 are observed too.")] = False

    # money
    cost: Annotated[
        Annotated[float, msgspec.Meta(ge=0, lt=0.5)], about("Cost of a trade, as a share of the traded value.", "1")
    ] = 0.001
    capital: Annotated[types.Positive, about("Money at the start.", "currency")] = 100_000.0
    max_move: Annotated[
        types.Positive,
        about("Largest relative rise in a day that a short position must survive (Theate and Ernst 2021).", "1"),
    ] = 0.1

    # rewards
    reward: Annotated[
        DailyReward, about("Relative change of wealth in a day, or the annualised Sharpe ratio of the last days.")
    ] = "return"
    reward_clip: Annotated[types.Positive, about("Largest reward, up or down.", "1")] = 1.0
    sharpe_bars: Annotated[types.CountFrom2, about("Daily returns in the Sharpe ratio of the reward.", "bars")] = 20


def absolute(daily: DailyTrading) -> DailyTrading:
    """A DailyTrading with the paths of its files made absolute."""
    files = {
        name: str(pathlib.Path(getattr(daily, name)).resolve()) for name in ("train", "test") if getattr(daily, name)
    }
    macro = tuple(str(pathlib.Path(path).resolve()) for path in daily.macro)
    return msgspec.structs.replace(daily, macro=macro, **files)


SECTIONS: dict[str, type[types.Section]] = {
    "quote_target": QuoteTarget,
    "zero_norm": ZeroNorm,
    "daily_trading": DailyTrading,
}


def check(sections: Mapping[str, types.Section], environment: str) -> None:
    """Raises ValueError where a section, by its name, belongs to another environment or its values do not fit each
    other."""
    for name, section in sections.items():
        if name != environment and section != SECTIONS[name]():
            raise ValueError(f"section {name} is given with environment.name {environment}, wanted {name}")
        if isinstance(section, QuoteTarget) and section.price_range[0] >= section.price_range[1]:
            low, high = section.price_range
            raise ValueError(f"quote_target.price_range is [{low:g}, {high:g}], wanted the smaller first")
