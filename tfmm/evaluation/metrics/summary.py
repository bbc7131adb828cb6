"""From backtests of one policy to its row in `metrics.json`."""

import numpy as np

from tfmm.evaluation.metrics import internalisation, path as path_lib


def risk_of(task):
    """What a TapeTask's inventory costs, in money: (N,) per size unit and second, or a metrics.VectorRisk."""
    lots = np.array([one.lot_size for one in task.store.instruments])
    if task.risk is None:
        units = np.array([task.money_unit(n) for n in range(len(lots))])
        return task.parameters["risk"] * units / lots
    omega, cost, power = task.risk
    return path_lib.VectorRisk(cost * task.money_unit(0), omega, power, task.parameters["order_lot"] * lots)


def assess(backtests, risk, limits, settings, numbers=None, clients=False):
    """The metrics of definitions.METRICS for one policy, all segments together.

    Args:
        backtests: list of Backtest. risk: (N,) money per size unit held for a second, or a
            metrics.VectorRisk.
        limits: (N,) inventory limit, size unit. settings: config.Evaluation.
        numbers: instruments to count; None: all. clients: whether to add definitions.CLIENTS.

    Returns:
        dict of metrics. Sums over segments and instruments; `mean_abs_inventory` and `time_at_limit`
        are means over time, of the sum over instruments and of the share of instruments. `objective` is NaN for a
        part of instruments whose risk is priced together.
    """
    numbers = list(range(len(limits))) if numbers is None else numbers
    paths = [[path_lib.path(one.tape, one.fills, one.span, n) for n in numbers] for one in backtests]
    flat = [(n, path) for segment in paths for n, path in zip(numbers, segment, strict=True)]
    seconds = sum(one.span[1] - one.span[0] for one in backtests) * 1e-9
    fills = np.concatenate([one.fills for one in backtests])
    fills = fills[np.isin(fills["instrument"], numbers)]
    notional = sum(
        float(path_lib.notional(one.fills[np.isin(one.fills["instrument"], numbers)], one.tape).sum())
        for one in backtests
    )
    held = sum(_time_mean(path, np.abs(path.inventory)) for _, path in flat) / seconds
    at_limit = sum(_time_mean(path, np.abs(path.inventory) >= limits[n] * (1 - 1e-9)) for n, path in flat)
    net, gross, fees, capture = (
        sum(float(getattr(path, name)[-1]) for _, path in flat) for name in ("net", "gross", "fees", "capture")
    )
    changes, falls = _wealth(backtests, paths, settings)
    year_s = settings.trading_days_per_year * settings.trading_hours_per_day * 3600.0
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
        "fill_ratio": path_lib.ratio(float(fills["qty"].sum()), sum(_sent(one.schedule, numbers) for one in backtests)),
        "mean_abs_inventory": held,
        "max_abs_inventory": max(float(np.abs(path.inventory).max()) for _, path in flat),
        "time_at_limit": at_limit / seconds / len(numbers),
        "sharpe": sharpe,
        "sortino": sortino,
        "max_drawdown": max(fall for fall, _ in falls),
        "max_drawdown_duration_s": max(lasting for _, lasting in falls),
        "return_per_notional_bps": path_lib.ratio(net, notional) * 1e4,
        "pnl_to_map": path_lib.ratio(net, held),
        "markout_bps": _markouts(backtests, numbers),
    }
    return out | (internalisation.summary(backtests, numbers) if clients else {})


def breakdown(backtests, risk, limits, settings, clients=False, quoted=None):
    """{"sessions": {name: metrics}, "instruments": {symbol: metrics}}; arguments as `assess`, quoted: instruments."""
    sessions, instruments = {}, backtests[0].tape.instruments
    for one in backtests:
        sessions.setdefault(one.session, []).append(one)
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
    for one, segment in zip(backtests, paths, strict=True):
        _, wealth = path_lib.sampled(segment, one.span, settings.sampling_s)
        changes.append(np.diff(wealth))
        every = np.unique(np.concatenate([path.ts for path in segment]))
        falls.append(path_lib.drawdown(every, sum(path.at(every, path.net) for path in segment)))
    return np.concatenate(changes), falls


def _objective(backtests, paths, risk, numbers, count):
    if isinstance(risk, path_lib.VectorRisk):
        if len(numbers) < count:
            return float("nan")
    else:
        risk = risk[numbers]
    return sum(
        float(path_lib.objective_at(segment, risk, np.array([one.span[1]]))[0])
        for one, segment in zip(backtests, paths, strict=True)
    )


def block_objectives(backtests, risk, block_s):
    """(K,) objective gained in each block of block_s seconds, segment after segment; no cut-off last block."""
    out = []
    for one in backtests:
        times = np.arange(one.span[0], one.span[1] + 1, round(block_s * 1e9))
        paths = [path_lib.path(one.tape, one.fills, one.span, n) for n in range(len(one.tape.instruments))]
        out.append(np.diff(path_lib.objective_at(paths, risk, times)))
    return np.concatenate(out)


def _time_mean(path, values):
    return float(values[:-1] @ np.diff(path.ts)) * 1e-9


def _sent(schedule, numbers):
    schedule = schedule[np.isin(schedule["instrument"], numbers)]
    return float(
        schedule["bid_qty"][~np.isnan(schedule["bid_px"])].sum()
        + schedule["ask_qty"][~np.isnan(schedule["ask_px"])].sum()
    )


def _markouts(backtests, numbers):
    by_horizon = {horizon: [] for horizon in path_lib.MARKOUT_S}
    for one in backtests:
        for n in numbers:
            for horizon, values in path_lib.markouts(one.tape, one.fills, n).items():
                by_horizon[horizon].append(values[np.isfinite(values)])
    joined = {horizon: np.concatenate(parts) for horizon, parts in by_horizon.items()}
    return {str(horizon): float(values.mean()) if len(values) else float("nan") for horizon, values in joined.items()}
