"""In plain Python: which sides of the quotes of a backtest may rest when they are sent, at what price, and why not."""

import numpy as np

from tfmm.market import schema
from tfmm.simulation import state
from tfmm.simulation.exchange import rules


def of_backtest(task, run):
    """[{bid, bid_size, bid_reason, ask, ...}] of every quote that a Backtest sent of the instruments quoted.

    The market is that of the tape by then, the ledger that of the fills by then; reasons of sides not sent are None.
    """
    units = rules.money_units(task.store.instruments, task.parameters)
    quoted = np.flatnonzero(task.parameters["quoted"])
    return [_of(task, run, row, units) for row in run.schedule if row["instrument"] in quoted]


def _of(task, run, row, units):
    n, ts = int(row["instrument"]), int(row["ts_ns"])
    parameters, instrument = task.parameters[n], task.store.instruments[n]
    step = run.tape.price_steps[n] if run.tape.price_steps else 1
    events = run.tape.events[: np.searchsorted(run.tape.events["ts"], ts, side="right")]
    fills = run.fills[(run.fills["instrument"] == n) & (run.fills["ts_ns"] <= ts)]
    lots = np.rint(fills["qty"] / instrument.lot_size).astype(int)
    inventory = int((fills["side"] * lots).sum())
    ticks = np.rint(fills["px"] / instrument.tick_size)
    wealth = -float((fills["side"] * lots * ticks).sum()) - float(fills["fee"].sum()) / units[n]
    quotes = events[(events["instrument"] == n) & (events["kind"] != schema.TRADE)]
    market = quotes[-1]
    unknown = market["kind"] == schema.NO_MARKET or ts - int(events["ts"][-1]) > parameters["gap_ns"]
    out = {}
    for side, sign in (("bid", 1), ("ask", -1)):
        px, reason = row[f"{side}_px"], None
        out |= {side: None, f"{side}_size": None, f"{side}_reason": None}
        if np.isnan(px):
            continue
        tick, lot = round(px / instrument.tick_size), round(row[f"{side}_qty"] / instrument.lot_size)
        if sign * inventory + lot > parameters["limit_lot"]:
            reason = "inventory limit"
        elif sign > 0 and wealth - lot * tick < -parameters["cash_limit"]:
            reason = "cash limit"
        elif unknown:
            reason = "market unknown"
        far = int(market["hi_tick"] if sign > 0 else market["lo_tick"])
        if reason is None and sign * (tick - far) >= 0:
            assert parameters["marketable"] == state.CLAMP
            tick = (far - 1) // step * step if sign > 0 else -(-(far + 1) // step) * step
        if reason is None and tick <= 0:
            reason = "rejected"
        if reason is None:
            out[side] = float(schema.multiples(np.int64(tick), instrument.tick_size))
            out[f"{side}_size"] = float(row[f"{side}_qty"])
        out[f"{side}_reason"] = reason
    return out
