"""From backtests of one policy to its row in `metrics.json`."""

import dataclasses

import numpy as np

from tfmm.evaluation import metrics
from tfmm.simulation import schedule as schedule_lib


@dataclasses.dataclass(frozen=True, eq=False)
class Backtest:
    """One policy on one segment.

    Attributes:
        tape: Tape of the segment. span: (start_ns, stop_ns) of the decisions. schedule: schedule.SCHEDULE
        sent. fills: schedule.FILLS. actions: (T, d) float32 in [-1, 1], or None for a baseline.
        first_row: row of the session's tape that this tape begins with. rules: FillRules.
        outcomes: see schedule.Result, or None where fills were drawn.
    """

    session: str
    tape: object
    span: tuple
    schedule: np.ndarray
    fills: np.ndarray
    actions: np.ndarray | None = None
    first_row: int = 0
    rules: schedule_lib.FillRules = dataclasses.field(default_factory=schedule_lib.FillRules)
    outcomes: np.ndarray | None = None


def risk_of(problem):
    """What a Problem's inventory costs, in money: (N,) per size unit and second, or a metrics.VectorRisk."""
    lots = np.array([one.lot_size for one in problem.store.instruments])
    if problem.risk is None:
        units = np.array([problem.money_unit(n) for n in range(len(lots))])
        return problem.parameters["risk"] * units / lots
    omega, cost, power = problem.risk
    return metrics.VectorRisk(cost * problem.money_unit(0), omega, power, problem.parameters["order_lot"] * lots)


def assess(backtests, risk, limits, settings):
    """The metrics of DESIGN section 8 for one policy, all segments together.

    Args:
        backtests: list of Backtest. risk: (N,) money per size unit held for a second, or a
            metrics.VectorRisk.
        limits: (N,) inventory limit, size unit. settings: config.Evaluation.

    Returns:
        dict of metrics. Sums over segments and instruments; `mean_abs_inventory` and `time_at_limit`
        are means over time, of the sum over instruments and of the share of instruments.
    """
    paths = [[metrics.path(one.tape, one.fills, one.span, n) for n in range(len(limits))] for one in backtests]
    flat = [(n, path) for segment in paths for n, path in enumerate(segment)]
    seconds = sum(one.span[1] - one.span[0] for one in backtests) * 1e-9
    fills = np.concatenate([one.fills for one in backtests])
    notional = float(metrics.notional(fills, backtests[0].tape.instruments).sum())
    sent = sum(_sent(one.schedule) for one in backtests)
    held = sum(_time_mean(path, np.abs(path.inventory)) for _, path in flat)
    at_limit = sum(_time_mean(path, np.abs(path.inventory) >= limits[n] * (1 - 1e-9)) for n, path in flat)
    net = sum(float(path.net[-1]) for _, path in flat)
    changes, falls = [], []
    for one, segment in zip(backtests, paths, strict=True):
        _, wealth = metrics.sampled(segment, one.span, settings.sampling_s)
        changes.append(np.diff(wealth))
        every = np.unique(np.concatenate([path.ts for path in segment]))
        falls.append(metrics.drawdown(every, sum(path.at(every, path.net) for path in segment)))
    sharpe, sortino = metrics.sharpe_sortino(
        np.concatenate(changes),
        settings.sampling_s,
        settings.trading_days_per_year * settings.trading_hours_per_day * 3600.0,
    )
    capture = sum(float(path.capture[-1]) for _, path in flat)
    gross = sum(float(path.gross[-1]) for _, path in flat)
    mean_held = held / seconds
    return {
        "net_pnl": net,
        "gross_pnl": gross,
        "fees": sum(float(path.fees[-1]) for _, path in flat),
        "spread_capture": capture,
        "inventory_pnl": gross - capture,
        "objective": sum(
            float(metrics.objective_at(segment, risk, np.array([one.span[1]]))[0])
            for one, segment in zip(backtests, paths, strict=True)
        ),
        "n_fills": len(fills),
        "n_buys": int((fills["side"] > 0).sum()),
        "n_sells": int((fills["side"] < 0).sum()),
        "filled_qty": float(fills["qty"].sum()),
        "traded_notional": notional,
        "fill_ratio": metrics.ratio(float(fills["qty"].sum()), sent),
        "mean_abs_inventory": mean_held,
        "max_abs_inventory": max(float(np.abs(path.inventory).max()) for _, path in flat),
        "time_at_limit": at_limit / seconds / len(limits),
        "sharpe": sharpe,
        "sortino": sortino,
        "max_drawdown": max(fall for fall, _ in falls),
        "max_drawdown_duration_s": max(lasting for _, lasting in falls),
        "return_per_notional_bps": metrics.ratio(net, notional) * 1e4,
        "pnl_to_map": metrics.ratio(net, mean_held),
        "markout_bps": _markouts(backtests, len(limits)),
    }


def block_objectives(backtests, risk, block_s):
    """(K,) objective gained in each block of block_s seconds, segment after segment; no cut-off last block."""
    out = []
    for one in backtests:
        times = np.arange(one.span[0], one.span[1] + 1, round(block_s * 1e9))
        paths = [metrics.path(one.tape, one.fills, one.span, n) for n in range(len(one.tape.instruments))]
        out.append(np.diff(metrics.objective_at(paths, risk, times)))
    return np.concatenate(out)


def _time_mean(path, values):
    return float(values[:-1] @ np.diff(path.ts)) * 1e-9


def _sent(schedule):
    return float(
        schedule["bid_qty"][~np.isnan(schedule["bid_px"])].sum()
        + schedule["ask_qty"][~np.isnan(schedule["ask_px"])].sum()
    )


def _markouts(backtests, count):
    by_horizon = {horizon: [] for horizon in metrics.MARKOUT_S}
    for one in backtests:
        for n in range(count):
            for horizon, values in metrics.markouts(one.tape, one.fills, n).items():
                by_horizon[horizon].append(values[np.isfinite(values)])
    joined = {horizon: np.concatenate(parts) for horizon, parts in by_horizon.items()}
    return {str(horizon): float(values.mean()) if len(values) else float("nan") for horizon, values in joined.items()}
