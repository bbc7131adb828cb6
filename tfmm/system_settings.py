"""The further systems: quote_target and zero_norm, a section of a configuration for each."""

from typing import Annotated, Literal

import msgspec

Positive = Annotated[float, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class QuoteTarget(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The toy market of environments.quote_target.

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
    """`size` numbers to be brought to 0 (environments.zero_norm); an episode ends with their norm below done_norm."""

    size: Count = 256
    done_norm: Positive = 0.1
    max_steps: Count = 100


SECTIONS = {"quote_target": QuoteTarget, "zero_norm": ZeroNorm}


def check(config):
    """Raises ValueError where a section belongs to another environment, or its values do not fit each other."""
    for name, kind in SECTIONS.items():
        if name != config.environment.name and getattr(config, name) != kind():
            raise ValueError(f"section {name} is given with environment.name {config.environment.name}, wanted {name}")
    low, high = config.quote_target.price_range
    if low >= high:
        raise ValueError(f"quote_target.price_range is [{low:g}, {high:g}], wanted the smaller first")
