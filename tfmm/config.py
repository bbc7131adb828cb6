"""Configuration: TOML files decoded into frozen structs; the structs hold the only defaults."""

import pathlib
import tomllib
from typing import Annotated, Literal

import msgspec
import tomli_w

from tfmm import agent_settings, errors, model_settings, system_settings, train_settings
from tfmm.market_settings import Clients, Count, CountOrNone, Data, NotNegative, Positive, Rules

TABLE_VALUES = 17
TAPE = "market_making"
SYSTEMS = tuple(system_settings.SECTIONS)


class Environment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The decision problem. `name`: on a tape (market_making), a model of section [model], or a system.

    rows: how many run side by side. The rest is for market_making alone.
    interval_s: time between decisions. clock: `events` decides at every interval_quotes-th quote instead, `both` after
    interval_s or as soon as a best price changes. window_s: length of a training episode; a shorter session
    part is one window. liquidate: a window ends with everything sold at the market, which ends the episode for the
    agent too (discount 0); without, it is merely over. warmup_s: time before a window in which only the
    features are updated.
    action: `skew_spread` (log shift of the mid, log half-spread) or `offsets` (ask and bid
    distance from the mid); both in units of `distance_unit`: half of the market's `spread` at the moment or, measured
    on train, the market's mean
    `half_spread`, or `volatility`, sigma x sqrt(interval_s), where spreads are narrow beside moves.
    sizes: two more components set the ask's and the bid's size, from none at -1 over one order at 0 to two at 1.
    skew_range, half_spread_range, offset_range: the distances the action bounds stand for.
    residual: above 0, with `offsets`, the two components correct a quote instead of standing for offset_range: ask
    distance = base(Q) + residual x a_ask, bid distance = base(-Q) + residual x a_bid, all in units of distance_unit,
    base(Q) what dynamic programming over the inventory alone quotes (tfmm.environments.base_quote), the far end of
    offset_range where that quotes nothing. base: or, of the `moment`, the whole tick that earns most with the spread
    and the drift of now and the value of dynamic programming over inventory and value_spreads (tfmm.simulation.
    best_tick), where corrections are of what a fill is worth; clients alone must trade. What a reward is compared with.
    risk_aversion: r of F = dPnL - r |Q| dt, with Q in orders, dt in seconds, F in
    (mean half-spread x order size).
    risk: `absolute` prices |Q| of each instrument by itself, `covariance` (Q' Omega Q)^risk_power, with Omega of
    the profits of one order over 10 s on train, shrunk, mean diagonal 1, or as given.
    reward: what the agent learns from: the `drawn` profit; what was traded, at its `markout` after markout_s
    (tfmm.simulation.markout), or that and what it did to the value of the inventory by fills measured on train,
    `markout_value`; where clients alone trade what fills are `expected` to earn, or that priced by the
    `bellman` value of the inventory, at a discount of 0 less what a base quote earns on the same tape
    (tfmm.simulation.lesson). Judged by drawn money. value_spreads: states of the spread, cut at even quantiles of
    train, that the Bellman value tells apart; 1: it is that of the mean spread.
    features: names from `tfmm.simulation.features.NAMES`; empty: its DEFAULT.
    synthetic: {symbol: symbol of its synthetic quotes (prepare.py --synthetic)}, for the feature synthetic_deviation.
    reference: what actions are counted from: the market's mid; the touch, the ask from the best ask and the bid from
    the best bid; or the mid of the synthetic quotes. quoted: symbols; empty: all but the synthetic ones.
    """

    name: Literal[
        "market_making", "simple_model", "avellaneda_stoikov", "dealer_hedging",
        "quote_target", "zero_norm", "daily_trading",
    ] = "market_making"  # fmt: skip
    rows: Count = 64
    clock: Literal["time", "events", "both"] = "time"
    interval_s: Positive = 1.0
    interval_quotes: Count = 10
    window_s: Positive = 600.0
    warmup_s: NotNegative = 30.0
    liquidate: bool = False
    action: Literal["skew_spread", "offsets"] = "skew_spread"
    sizes: bool = False
    distance_unit: Literal["half_spread", "spread", "volatility"] = "half_spread"
    skew_range: Positive = 4.0
    half_spread_range: tuple[Positive, Positive] = (0.5, 8.0)
    offset_range: tuple[float, float] = (0.0, 8.0)
    residual: NotNegative = 0.0
    base: Literal["inventory", "moment"] = "inventory"
    risk_aversion: NotNegative = 0.01
    risk: Literal["absolute", "covariance"] = "absolute"
    risk_power: Positive = 0.5
    omega: tuple[tuple[float, ...], ...] = ()
    features: tuple[str, ...] = ()
    reward: Literal["drawn", "markout", "markout_value", "expected", "bellman"] = "drawn"
    value_spreads: Annotated[int, msgspec.Meta(ge=1, le=12)] = 1
    markout_s: Positive = 10.0
    synthetic: dict[str, str] = {}
    reference: Literal["mid", "touch", "synthetic"] = "mid"
    quoted: tuple[str, ...] = ()


class Evaluation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Backtest and comparison.

    block_s: length of the blocks that policies are paired by. sampling_s: of the profits in Sharpe and
    Sortino, annualised with trading_days_per_year days of trading_hours_per_day (equities: 252 of 6.5).
    """

    block_s: Positive = 60.0
    sampling_s: Positive = 60.0
    trading_days_per_year: Positive = 365.0
    trading_hours_per_day: Annotated[float, msgspec.Meta(gt=0, le=24)] = 24.0
    bootstrap_samples: Count = 2_000


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole experiment."""

    seed: CountOrNone = 0
    data: Data = Data()
    clients: Clients = Clients()
    model: model_settings.Model = model_settings.Model()
    quote_target: system_settings.QuoteTarget = system_settings.QuoteTarget()
    zero_norm: system_settings.ZeroNorm = system_settings.ZeroNorm()
    daily_trading: system_settings.DailyTrading = system_settings.DailyTrading()
    rules: Rules = Rules()
    environment: Environment = Environment()
    agent: agent_settings.Agent = agent_settings.Agent()
    collect: train_settings.Collect = train_settings.Collect()
    train: train_settings.Train = train_settings.Train()
    evaluation: Evaluation = Evaluation()

    def __post_init__(self):
        if (self.clients.curve == "table") != (len(self.clients.table) == TABLE_VALUES):
            raise ValueError(
                f"clients.table has {len(self.clients.table)} values with curve {self.clients.curve}, wanted "
                f"{TABLE_VALUES} with curve table"
            )
        if self.clients.curve != "table" and self.clients.table:
            raise ValueError(f"clients.table is given with curve {self.clients.curve}, wanted curve table")
        if abs(sum(self.data.fractions) - 1) > 1e-9:
            raise ValueError(f"data.fractions sum to {sum(self.data.fractions):g}, wanted 1")
        for name in ("half_spread_range", "offset_range"):
            low, high = getattr(self.environment, name)
            if low >= high:
                raise ValueError(f"environment.{name} is [{low:g}, {high:g}], wanted the smaller first")
        if self.environment.residual and self.environment.action != "offsets":
            raise ValueError(f"environment.residual is {self.environment.residual:g} with skew_spread, wanted offsets")
        system_settings.check(self)
        self.agent.check(self)
        if self.environment.name not in (TAPE, *SYSTEMS):
            self.model.check(self.environment.name)
        elif self.model != model_settings.Model():
            raise ValueError(f"section model is given with environment.name {self.environment.name}, wanted a model's")
        elif self.agent.reward_centre == "auto":
            raise ValueError(
                f"agent.reward_centre is auto with environment.name {self.environment.name}, wanted a number"
            )
        if self.collect.mode == "single" and self.environment.rows != 1:
            raise ValueError(f"collect.mode single has environment.rows {self.environment.rows}, wanted 1")
        self.train.check(self)


def load(path, overrides=()):
    """Reads a TOML file.

    Args:
        path: the file.
        overrides: strings `section.key=value`; values are TOML, or plain text where that fails.

    Returns:
        A Config.

    Raises:
        ConfigError: no such file, no TOML, unknown key, wrong type or value out of range.
    """
    tree = read_toml(f"config {path}", path)
    for override in overrides:
        _override(tree, override)
    return decode(tree, f"config {path}")


def read_toml(where, path):
    """Nested dicts of a TOML file; raises ConfigError, beginning with `where`, where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise errors.ConfigError(f"{where}: {error.strerror}, wanted a readable TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise errors.ConfigError(f"{where}: not TOML: {error}") from error


def decode(tree, where):
    """A Config from nested dicts; raises ConfigError naming `where` and the key."""
    try:
        return msgspec.convert(tree, Config, strict=True)
    except (msgspec.ValidationError, ValueError) as error:
        raise errors.ConfigError(f"{where}: {str(error).replace('`$.', '`')}") from error


def changed(config, overrides):
    """A Config with some settings changed; arguments and errors as `load`."""
    tree = msgspec.to_builtins(config)
    for override in overrides:
        _override(tree, override)
    return resolved(decode(tree, "--set"))


def problem_text(config):
    """What a configuration says of the problem alone, without seed, agent, collection and training, as TOML text: the
    same for all that can be judged by the same baselines."""
    tree = msgspec.to_builtins(config)
    return tomli_w.dumps({key: one for key, one in tree.items() if key not in ("seed", "agent", "collect", "train")})


def dumps(config):
    """The whole configuration, defaults included, as TOML text that `load` reads back."""
    return tomli_w.dumps(msgspec.to_builtins(config))


def with_store(config, store):
    """The same configuration on another store; the path is made absolute."""
    data = msgspec.structs.replace(config.data, store=str(pathlib.Path(store).resolve()))
    return msgspec.structs.replace(config, data=data)


def resolved(config):
    """The same configuration with the paths of its data made absolute, as a run directory keeps it."""
    daily = system_settings.absolute(config.daily_trading)
    config = msgspec.structs.replace(config, daily_trading=daily)
    return with_store(config, config.data.store) if config.data.store else config


def _override(tree, override):
    key, equals, text = override.partition("=")
    path = key.strip().split(".")
    if not equals or not all(path):
        raise errors.ConfigError(f"--set {override}: wanted section.key=value")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
        if not isinstance(tree, dict):
            raise errors.ConfigError(f"--set {override}: {part} is not a section")
    tree[path[-1]] = value
