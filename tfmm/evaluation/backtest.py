"""Closed loop on a split, then a replay of what was sent: the fills that all numbers come from."""

import dataclasses

import numpy as np
import tqdm

from tfmm.evaluation import assess
from tfmm.market import schema, tape
from tfmm.policies import play
from tfmm.simulation import kernel, schedule


def run(problem, split, act, distances, name):
    """Plays whole segments with one policy.

    The closed loop records the quotes sent; `replay` then fills them on the same tape, so fills, cash
    and inventory of both are the same or something is broken. Where clients trade or inventory is hedged, the
    fills are those of the closed loop; every policy meets the same clients.

    Args:
        problem: Problem. split: "train", "validation" or "test". act: simulator -> actions (B, N, 2) or (B, 2 N).
        distances: act gives raw distances (a baseline) instead of actions. name: for the progress bar.

    Returns:
        list of assess.Backtest, one per segment.
    """
    segments = problem.segments[split]
    windows = problem.windows(segments)
    sim = problem.simulator(segments, len(windows), windows=windows, distances=distances, record=problem.drawn)
    sent, actions, final, drawn = [], [], {}, []
    steps = int((windows[:, 2] - windows[:, 1]).max() // sim.interval_ns)
    with tqdm.tqdm(total=steps, desc=f"backtest {name}", unit="step", disable=None, leave=False) as bar:

        def remember(one, open_rows):
            sent.append((one.sent.copy(), open_rows.copy()))
            if problem.drawn:
                drawn.append(one.fills[open_rows[one.fills["batch_row"]]])
            for b in np.flatnonzero(open_rows & (one.step_type == kernel.LAST)):
                final[b] = one.books[b].copy(), int(one.rows["ts"][b])
            bar.update()

        def acted(one):
            actions.append(act(one))
            return actions[-1]

        play.run(sim, acted, remember)
    quotes, was_open = np.stack([one for one, _ in sent]), np.stack([one for _, one in sent])
    all_actions = None if distances else np.stack(actions).astype(np.float32)
    out = []
    for b, (index, start_ns, _) in enumerate(windows):
        segment = segments[index]
        own = tape.Tape(
            problem.store.events[segment.start_row : segment.stop_row], problem.store.instruments, rates=problem.rates
        )
        one = _schedule(problem, quotes[was_open[:, b], b])
        # the closed loop stops with its last decision; the quote that is still out must not fill later
        books, stop_ns = final[b]
        limited, outcomes = _limited(problem), None
        if problem.drawn:
            fills = _drawn(problem, np.concatenate(drawn), b, segment)
        else:
            replayed = schedule.replay(own, one, limited)
            fills, outcomes = replayed.fills[replayed.fills["ts_ns"] <= stop_ns], replayed.outcomes
        _check(fills, books, problem)
        taken = None if all_actions is None else all_actions[was_open[:, b], b]
        out.append(
            assess.Backtest(
                segment.session, own, (int(start_ns), stop_ns), one, fills, taken,
                segment.start_row - problem.store.session(segment.session).start_row, limited, outcomes,
            )
        )  # fmt: skip
    return out


def policy_actions(problem, policy):
    """The act function of a saved policy: features of every row -> actions."""
    return lambda sim: policy.each(problem.observe(sim))


def _drawn(problem, log, row, segment):
    """(K,) FILLS of a row of the closed loop, `event` counted from the segment's first."""
    own = log[log["batch_row"] == row]
    own["event"] -= segment.start_row
    instruments = problem.store.instruments
    return schedule.at_the_door(own, instruments, schedule.money_units(instruments, problem.parameters))


def _limited(problem):
    """The fill rules with the inventory limits of the problem."""
    lots = problem.parameters["limit_lot"]
    limits = tuple(float(lot) * one.lot_size for lot, one in zip(lots, problem.store.instruments, strict=True))
    return dataclasses.replace(problem.rules, inventory_limit=limits)


def _schedule(problem, quotes):
    """(S,) SCHEDULE from the (T, N) orders sent; without a market (no lots) nothing was sent."""
    count = quotes.shape[1]
    out = np.zeros(quotes.shape, schedule.SCHEDULE)
    for n in range(count):
        one, own = problem.store.instruments[n], quotes[:, n]
        out["ts_ns"][:, n], out["instrument"][:, n] = own["active_ns"], n
        for side in ("bid", "ask"):
            quoted = own[f"{side}_lot"] > 0
            out[f"{side}_px"][:, n] = np.where(quoted, schema.multiples(own[f"{side}_tick"], one.tick_size), np.nan)
            out[f"{side}_qty"][:, n] = np.where(quoted, schema.multiples(own[f"{side}_lot"], one.lot_size), 0.0)
    return out.reshape(-1)


def _check(fills, books, problem):
    for n, one in enumerate(problem.store.instruments):
        own = fills[fills["instrument"] == n]
        held = round(float((own["side"] * own["qty"]).sum()) / one.lot_size)
        assert (held, len(own)) == (books["inventory_lot"][n], books["n_fills"][n]), (
            f"replay of {one.symbol} holds {held} lots after {len(own)} fills, "
            f"the closed loop {books['inventory_lot'][n]} after {books['n_fills'][n]}"
        )
