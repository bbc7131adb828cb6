"""Speed of simulation.replay, against a loop that only reads the same events."""

import numpy as np

from tfmm import jit, simulation
from tfmm.benchmarks import sample_market, timing
from tfmm.simulation import state
from tfmm.simulation.exchange import replay

_HOURS = 60.0  # larger than the caches, as a real day is
_BEHIND_TICK = 8  # behind the touch: about one fill a second


def run(repeats: int) -> dict[str, float]:
    """{"replay_events_per_s", "replay_vs_bare_loop"}; repeats: of which the fastest counts."""
    _, session = sample_market.session(0, _HOURS)
    times = np.arange(session.events["ts"][0], session.events["ts"][-1], round(sample_market.STEP_S * 1e9))
    last = np.searchsorted(session.events["ts"], times, side="right") - 1
    quotes = np.zeros(len(times), replay.SCHEDULE)
    quotes["ts_ns"] = times
    tick = session.instruments[0].tick_size
    quotes["bid_px"] = (session.events["lo_tick"][last] - _BEHIND_TICK) * tick
    quotes["ask_px"] = (session.events["hi_tick"][last] + _BEHIND_TICK) * tick
    quotes["bid_qty"] = quotes["ask_qty"] = 100.0
    orders = np.zeros(len(times), state.ORDER)
    orders["active_ns"] = times
    events = state.read_only(session.events)
    bare = timing.best(lambda: _bare_loop(events, orders), repeats)
    seconds = timing.best(lambda: simulation.replay(session, quotes), repeats)
    return {"replay_events_per_s": len(session) / seconds, "replay_vs_bare_loop": bare / seconds}


@jit.kernel
def _bare_loop(events, quotes):
    """Reads every column of every event and a quote for each interval: a lower bound of the time of a replay."""
    total, k = 0, 0
    for i in range(events.shape[0]):
        event = events[i]
        while k < quotes.shape[0] and quotes[k].active_ns < event.ts:
            total += quotes[k].bid_tick
            k += 1
        total += event.lo_tick + event.hi_tick + event.kind + event.side + event.instrument
        total += np.int64(event.lo_size + event.hi_size)
    return total
