"""Sections [data], [rules] and [clients] of a configuration: the world that is traded in."""

from typing import Annotated, Literal

import msgspec

Positive = Annotated[float, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Unit = Annotated[float, msgspec.Meta(gt=0, le=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=1)]
CountOrNone = Annotated[int, msgspec.Meta(ge=0)]


class Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which market data, and how it is split by time.

    With `train`, `validation` and `test` empty the sessions are split in order of time by
    `fractions`; fewer than three sessions are cut inside, with `gap_s` left out between the parts.

    fold: whole sessions are first moved on in a circle by so many places, so that any of them comes to be tested;
    to see how much a result depends on the day. Train then may be later than test.
    currency: that accounts are kept in; empty: the first quoted instrument's. rates: {other currency: symbol whose
    price is its worth}, for instruments that are quoted in another one.
    """

    store: str = ""
    currency: str = ""
    rates: dict[str, str] = {}
    fractions: tuple[Unit, Unit, Unit] = (0.6, 0.2, 0.2)
    gap_s: NotNegative = 10.0
    fold: CountOrNone = 0
    train: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()
    test: tuple[str, ...] = ()


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Fill rules (README, "Fill rules"). Order size in the instrument's unit; 0: median trade on train.
    Latency, fees and order size are one number for all instruments, or a list with one for each.

    cash_limit: most that may be owed, quote currency; 0: no limit. gap_s: over a longer hole in the data quotes
    are pulled; 0: never. tape_fills: whether quotes and trades of the tape fill us (without, clients alone do).
    hedge: `limit` closes inventory beyond hedge_limit_orders at the market after every interval, taker fee; `action`
    adds a component to the action, above 0 the share of the inventory that is closed before the quotes are sent.
    """

    touch: Literal["never", "always", "queue"] = "never"
    marketable: Literal["clamp", "reject", "take"] = "clamp"
    partial: bool = False
    latency_s: NotNegative | tuple[NotNegative, ...] = 0.0
    maker_fee_bps: float | tuple[float, ...] = 0.0
    taker_fee_bps: float | tuple[float, ...] = 0.0
    cash_limit: NotNegative = 0.0
    gap_s: NotNegative = 60.0
    tape_fills: bool = True
    hedge: Literal["none", "limit", "action"] = "none"
    hedge_limit_orders: CountOrNone = 5
    order_size: NotNegative | tuple[NotNegative, ...] = 0.0
    inventory_limit_orders: Count = 10


class Clients(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Clients who trade with us (README, "Client flow"). Without a rate there are none.

    rate_s: arrivals per second and side. branching, decay_s: share of arrivals caused by earlier ones, and how fast
    that fades, per second (Hawkes); 0: Poisson. size_orders: mean size in orders, exponential with random_size.
    curve: probability that a price x market spreads beyond the market's is taken, with k, middle or table (values at
    x = -1, -.75, ..., 3), see tfmm.simulation.clients.arrivals. informed: share of clients who buy where the mid is
    higher ahead_s later and sell where it is lower.
    """

    rate_s: NotNegative = 0.0
    branching: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0
    decay_s: Positive = 1.0
    size_orders: Positive = 1.0
    random_size: bool = False
    curve: Literal["exponential", "power", "logistic", "table"] = "exponential"
    k: Positive = 1.0
    middle: float = 0.0
    table: tuple[Annotated[float, msgspec.Meta(ge=0, le=1)], ...] = ()
    informed: Share = 0.0
    ahead_s: Positive = 5.0
