"""From backtests of one policy to its row in `metrics.json`."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec
import numpy as np

from tfmm.arrays import Floats
from tfmm.backtest.record import Backtest
from tfmm.config.evaluation import DAY_HOURS, Evaluation
from tfmm.environments.tape.task import TapeTask
from tfmm.evaluation.metrics import internalisation, path as path_lib
from tfmm.simulation.rewards import kinds

Risk: TypeAlias = Floats | path_lib.VectorRisk
"""Cost of inventory: (N,) money per size unit and second, or of all inventories together."""


def risk_of(task: TapeTask) -> Risk:
    """The cost of a task's inventory in the accounting currency."""
    lots = np.array([instrument.lot_size for instrument in task.store.instruments])
    if task.risk.kind == kinds.RiskKind.ABSOLUTE:
        units = np.array([task.costs.money_unit(n) for n in range(len(lots))])
        return task.parameters["risk"] * units / lots
    risk = task.risk
    return path_lib.VectorRisk(
        risk.cost_per_s * task.costs.money_unit(0), risk.omega, risk.power, task.parameters["order_lot"] * lots
    )


def settings_of(task: TapeTask) -> Evaluation:
    """Section [evaluation] of a task; trading hours that it leaves open are those of the store's sessions, on average,
    where these have breaks."""
    settings, sessions = task.config.evaluation, task.store.sessions
    hours = DAY_HOURS
    if any(session.breaks for session in sessions):
        hours = sum(session.trading_s for session in sessions) / len(sessions) / 3600.0
    return msgspec.structs.replace(settings, trading_hours_per_day=settings.trading_hours_per_day or min(hours, 24.0))


def assess(
    backtests: list[Backtest],
    risk: Risk,
    limits: Floats,
    settings: Evaluation,
    numbers: Sequence[int] | None = None,
    clients: bool = False,
) -> dict[str, Any]:
    """The metrics of definitions.METRICS for one policy, all segments together.

    Args:
        backtests: one for each segment. risk: cost of the inventory. limits: (N,) inventory limit, size unit.
        settings: of the evaluation. numbers: indices of the instruments to count; None: all.
        clients: whether to add definitions.CLIENTS.

    Returns:
        {metric: number}, sums over segments and instruments; `mean_abs_inventory` is the mean over time of the sum over
        instruments, `time_at_limit` that of the share of instruments at their limit. `objective` is NaN where only some
        of the instruments are counted whose risk is priced together.
    """
    numbers = list(range(len(limits))) if numbers is None else numbers
    paths = [[path_lib.of_backtest(run, n) for n in numbers] for run in backtests]
    flat = [(n, path) for segment in paths for n, path in zip(numbers, segment, strict=True)]
    seconds = sum(run.span[1] - run.span[0] for run in backtests) * 1e-9
    fills = np.concatenate([run.fills for run in backtests])
    fills = fills[np.isin(fills["instrument"], numbers)]
    notional = sum(
        float(path_lib.notional(run.fills[np.isin(run.fills["instrument"], numbers)], run.tape).sum())
        for run in backtests
    )
    inventory = sum(_time_integral(path, np.abs(path.inventory)) for _, path in flat) / seconds
    at_limit = sum(_time_integral(path, np.abs(path.inventory) >= limits[n] * (1 - 1e-9)) for n, path in flat)
    net, gross, fees, capture = (
        sum(float(getattr(path, name)[-1]) for _, path in flat) for name in ("net", "gross", "fees", "capture")
    )
    changes, falls = _wealth(backtests, paths, settings)
    year_s = settings.trading_days_per_year * (settings.trading_hours_per_day or DAY_HOURS) * 3600.0
    sharpe, sortino = path_lib.sharpe_sortino(changes, settings.sampling_s, year_s)
    out = {
        "net_pnl": net,
        "gross_pnl": gross,
        "fees": fees,
        "spread_capture": capture,
        "inventory_pnl": gross - capture,
        "objective": _objective(backtests, paths, risk, numbers, len(limits)),
        "n_fills": len(fills),
        "n_buys": int((fills["side"] > 0).sum()),
        "n_sells": int((fills["side"] < 0).sum()),
        "filled_qty": float(fills["qty"].sum()),
        "traded_notional": notional,
        "fill_ratio": path_lib.ratio(float(fills["qty"].sum()), sum(_sent(run.schedule, numbers) for run in backtests)),
        "mean_abs_inventory": inventory,
        "max_abs_inventory": max(float(np.abs(path.inventory).max()) for _, path in flat),
        "time_at_limit": at_limit / seconds / len(numbers),
        "sharpe": sharpe,
        "sortino": sortino,
        "max_drawdown": max(fall for fall, _ in falls),
        "max_drawdown_duration_s": max(lasting for _, lasting in falls),
        "return_per_notional_bps": path_lib.ratio(net, notional) * 1e4,
        "pnl_to_map": path_lib.ratio(net, inventory),
        "markout_bps": _markouts(backtests, numbers),
    }
    return out | (internalisation.summary(backtests, numbers) if clients else {})


def breakdown(
    backtests: list[Backtest],
    risk: Risk,
    limits: Floats,
    settings: Evaluation,
    clients: bool = False,
    quoted: Sequence[int] | None = None,
) -> dict[str, dict[str, dict[str, Any]]]:
    """{"sessions": {name: metrics}, "instruments": {symbol: metrics}}; arguments as those of `assess`.

    Args:
        quoted: indices of the instruments to list; None: all.
    """
    sessions: dict[str, list[Backtest]] = {}
    instruments = backtests[0].tape.instruments
    for run in backtests:
        sessions.setdefault(run.session, []).append(run)
    return {
        "sessions": {key: assess(part, risk, limits, settings, None, clients) for key, part in sessions.items()},
        "instruments": {
            instruments[n].symbol: assess(backtests, risk, limits, settings, [n], clients)
            for n in (range(len(instruments)) if quoted is None else quoted)
        },
    }


def _wealth(backtests, paths, settings):
    """(profits of every sampling interval, [(largest, longest drawdown)] of every segment)."""
    changes, falls = [], []
    for run, segment in zip(backtests, paths, strict=True):
        _, wealth = path_lib.sampled(segment, run.span, settings.sampling_s)
        changes.append(np.diff(wealth))
        every = np.unique(np.concatenate([path.ts for path in segment]))
        net = sum(path.at(every, path.net) for path in segment)
        falls.append(path_lib.drawdown(np.append(every[:1], every), np.append(0.0, net)))
    return np.concatenate(changes), falls


def _objective(backtests, paths, risk, numbers, count):
    if isinstance(risk, path_lib.VectorRisk):
        if len(numbers) < count:
            return float("nan")
    else:
        risk = risk[numbers]
    return sum(
        float(path_lib.objective_at(segment, risk, np.array([run.span[1]]))[0])
        for run, segment in zip(backtests, paths, strict=True)
    )


def block_objectives(backtests: list[Backtest], risk: Risk, block_s: float) -> Floats:
    """(K,) objective gained in each block of block_s seconds, segment after segment; a last block that is cut off is
    left out."""
    out = []
    for run in backtests:
        times = np.arange(run.span[0], run.span[1] + 1, round(block_s * 1e9))
        paths = [path_lib.of_backtest(run, n) for n in range(len(run.tape.instruments))]
        out.append(np.diff(path_lib.objective_at(paths, risk, times[1:]), prepend=0.0))
    return np.concatenate(out)


def _time_integral(path, values):
    """Integral of a column of a path over time, seconds."""
    return float(values[:-1] @ np.diff(path.ts)) * 1e-9


def _sent(schedule, numbers):
    schedule = schedule[np.isin(schedule["instrument"], numbers)]
    return float(
        schedule["bid_qty"][~np.isnan(schedule["bid_px"])].sum()
        + schedule["ask_qty"][~np.isnan(schedule["ask_px"])].sum()
    )


def _markouts(backtests, numbers):
    by_horizon = {horizon: [] for horizon in path_lib.MARKOUT_S}
    for run in backtests:
        for n in numbers:
            for horizon, values in path_lib.markouts(run.tape, run.fills, n).items():
                by_horizon[horizon].append(values[np.isfinite(values)])
    joined = {horizon: np.concatenate(parts) for horizon, parts in by_horizon.items()}
    return {str(horizon): float(values.mean()) if len(values) else float("nan") for horizon, values in joined.items()}
