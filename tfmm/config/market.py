"""Sections [data], [rules] and [clients] of a configuration: the market that is traded in."""

from typing import Annotated, Literal

import msgspec

from tfmm.config import types
from tfmm.config.types import about

Touch = Literal["never", "always", "queue"]
Marketable = Literal["clamp", "reject", "take"]
Hedge = Literal["none", "limit", "action"]
Curve = Literal["exponential", "power", "logistic", "table"]
TABLE_VALUES = 17
"""Values of a fill curve given as a table, at the distances of tfmm.models.curves.TABLE_X."""


class Data(types.Section, frozen=True, kw_only=True):
    """Which market data, and how it is split by time.

    With `train`, `validation` and `test` empty the sessions are split in order of time by `fractions`; fewer than three
    sessions are cut inside, with `gap_s` left out between the parts.
    """

    # market
    store: Annotated[str, about("Folder that prepare.py wrote.")] = ""
    currency: Annotated[str, about("Currency of the accounts; empty: that of the first quoted instrument.")] = ""
    rates: Annotated[
        dict[str, str], about("For each other currency, the symbol whose price is its rate in the accounts' currency.")
    ] = msgspec.field(default_factory=dict)

    # split
    fractions: Annotated[
        tuple[types.ShareAbove0, types.ShareAbove0, types.ShareAbove0],
        about("Shares of the sessions for train, validation and test, which sum to 1.", "1"),
    ] = (0.6, 0.2, 0.2)
    gap_s: Annotated[types.NotNegative, about("Time left out between parts that are cut inside a session.", "s")] = 10.0
    fold: Annotated[
        types.CountFrom0,
        about(
            "Sessions by which all are rotated before the split, for another test day; train may be later.", "sessions"
        ),
    ] = 0
    train: Annotated[types.Texts, about("Sessions to train on, by name; empty: by fractions.")] = ()
    validation: Annotated[types.Texts, about("Sessions to choose the best policy on, by name.")] = ()
    test: Annotated[types.Texts, about("Sessions to evaluate on, by name.")] = ()

    def check(self) -> None:
        """Raises ValueError where fractions do not sum to 1."""
        if abs(sum(self.fractions) - 1) > 1e-9:
            raise ValueError(f"data.fractions sum to {sum(self.fractions):g}, wanted 1")


class Rules(types.Section, frozen=True, kw_only=True):
    """Fill rules (README, "Fill rules"). A list has one number for each instrument; one number is for all of them."""

    # fills
    tape_fills: Annotated[bool, about("Whether quotes and trades of the tape fill us; if not, only clients do.")] = True
    touch: Annotated[
        Touch, about("Whether a trade at our price fills us: never, always, or by our position in the queue.")
    ] = "never"
    partial: Annotated[bool, about("Whether a trade smaller than our order fills a part of it.")] = False
    marketable: Annotated[
        Marketable,
        about(
            "What becomes of a quote that would trade at once: moved a tick behind the far touch, rejected, or filled."
        ),
    ] = "clamp"

    # latency and gaps
    latency_s: Annotated[
        types.NotNegative | tuple[types.NotNegative, ...], about("Time between a decision and its arrival.", "s")
    ] = 0.0
    gap_s: Annotated[
        types.NotNegative, about("Time without data after which quotes are cancelled; 0: they never are.", "s")
    ] = 60.0

    # money
    maker_fee_bps: Annotated[
        float | tuple[float, ...], about("Fee on the value of a passive fill; below 0: a rebate.", "bps")
    ] = 0.0
    taker_fee_bps: Annotated[
        float | tuple[float, ...], about("Fee on the value of an aggressive fill; below 0: a rebate.", "bps")
    ] = 0.0
    maker_fee_per_unit: Annotated[
        float | tuple[float, ...],
        about(
            "Further fee for each share, contract or coin of a passive fill; below 0: a rebate.",
            "quote currency per unit of the instrument",
        ),
    ] = 0.0
    taker_fee_per_unit: Annotated[
        float | tuple[float, ...],
        about(
            "Further fee for each share, contract or coin of an aggressive fill; below 0: a rebate.",
            "quote currency per unit of the instrument",
        ),
    ] = 0.0
    minimum_fee: Annotated[
        types.NotNegative | tuple[types.NotNegative, ...],
        about("Least fee of an order that is filled, in one part or many; 0: none.", "quote currency per order"),
    ] = 0.0
    cash_limit: Annotated[types.NotNegative, about("Most that may be owed; 0: no limit.", "quote currency")] = 0.0

    # inventory
    order_size: Annotated[
        types.NotNegative | tuple[types.NotNegative, ...],
        about("Size of an order; 0: that of the median trade on train.", "units of the instrument"),
    ] = 0.0
    inventory_limit_orders: Annotated[types.Count, about("Largest inventory, long or short.", "orders")] = 10
    hedge: Annotated[
        Hedge,
        about(
            "Closing inventory at the market: never, beyond hedge_limit_orders after every interval, or the share that "
            "a further component of the action says, before the quotes are sent."
        ),
    ] = "none"
    hedge_limit_orders: Annotated[types.CountFrom0, about("Inventory that hedge limit leaves open.", "orders")] = 5


class Clients(types.Section, frozen=True, kw_only=True):
    """Clients who trade with us (README, "Client flow"). At a rate of 0 there are none."""

    # arrivals
    rate_s: Annotated[types.NotNegative, about("Arrivals of clients on each side.", "1/s")] = 0.0
    branching: Annotated[
        types.ShareBelow1, about("Share of arrivals that earlier ones caused (Hawkes); 0: Poisson.", "1")
    ] = 0.0
    decay_s: Annotated[types.Positive, about("Rate at which the excitation by an arrival decays.", "1/s")] = 1.0

    # sizes
    size_orders: Annotated[types.Positive, about("Mean size that a client wants.", "orders")] = 1.0
    random_size: Annotated[bool, about("Whether sizes are exponentially distributed instead of constant.")] = False

    # fill curve: probability that a price x market spreads worse than the market's is taken
    curve: Annotated[Curve, about("Shape of the fill curve (tfmm.simulation.clients.arrivals).")] = "exponential"
    k: Annotated[types.Positive, about("Steepness of the fill curve.", "1/spreads")] = 1.0
    middle: Annotated[float, about("Distance at which a logistic curve is at one half.", "spreads")] = 0.0
    table: Annotated[
        tuple[types.Share, ...], about("Probabilities at distances -1, -0.75, ..., 3 of a curve given as a table.", "1")
    ] = ()

    # information
    informed: Annotated[
        types.Share, about("Share of clients who buy if the mid rises over ahead_s and sell if it falls.", "1")
    ] = 0.0
    ahead_s: Annotated[types.Positive, about("How far ahead informed clients know the mid.", "s")] = 5.0

    def check(self) -> None:
        """Raises ValueError where table and curve do not fit each other."""
        if (self.curve == "table") != (len(self.table) == TABLE_VALUES):
            raise ValueError(
                f"clients.table has {len(self.table)} values with curve {self.curve}, wanted "
                f"{TABLE_VALUES} with curve table"
            )
        if self.curve != "table" and self.table:
            raise ValueError(f"clients.table is given with curve {self.curve}, wanted curve table")
