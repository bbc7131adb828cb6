"""Closed loop on a split, then a replay of what was sent: the fills that all numbers come from."""

import dataclasses
from typing import NamedTuple

import numpy as np
import tqdm

from tfmm.backtest import control_variate, record
from tfmm.market import schema, tape
from tfmm.simulation import kernel, rollout
from tfmm.simulation.dealer import quoting
from tfmm.simulation.exchange import replay, rules


def run(task, split, act, distances, name):
    """Plays whole segments with one policy: see run_all."""
    return run_all(task, split, {name: act}, distances)[name]


def run_all(task, split, acts, distances):
    """Plays whole segments with several policies side by side.

    The closed loop records the quotes sent; `replay` then fills them on the same tape, so fills, cash
    and inventory of both are the same or something is broken. Where clients trade or inventory is hedged, the
    fills are those of the closed loop; every policy meets the same clients.

    Args:
        task: TapeTask. split: "train", "validation" or "test". acts: {name: function of a simulator, or a
            play.Part of one, that gives its actions (B, N, 2) or (B, 2 N)}.
        distances: they are raw distances (of baselines) instead of actions.

    Returns:
        {name: list of assess.Backtest, one per segment}.
    """
    segments = task.segments[split]
    windows = task.windows(segments)
    count = len(windows)
    every = np.tile(windows, (len(acts), 1))
    gauge = control_variate.Gauge(task) if control_variate.known(task) else None
    played_by = control_variate.taught(task) if gauge else task
    sim = played_by.simulator(
        segments, len(every), windows=every, distances=distances, record=task.drawn, taught=gauge is not None
    )
    sim.rows["random"] = np.tile(sim.rows["random"][:count], len(acts))
    longest = int((windows[:, 2] - windows[:, 1]).max() // sim.interval_ns)
    with tqdm.tqdm(total=longest, desc=f"backtest {_title(acts)}", unit="step", disable=None, leave=False) as bar:
        played = _play(sim, list(acts.values()), task.drawn, gauge, bar)
    tapes = [
        tape.Tape(task.store.events[one.start_row : one.stop_row], task.store.instruments, rates=task.rates)
        for one in (segments[index] for index, _, _ in windows)
    ]
    out = {name: [] for name in acts}
    for b, (index, start_ns, _) in enumerate(every):
        one = _backtest(task, segments[index], tapes[b % count], played, b, int(start_ns), distances)
        out[list(acts)[b // count]].append(one)
    return out


class _Played(NamedTuple):
    """What a closed loop of T steps and B rows did.

    sent: (T, B, N) state.ORDER. was_open: (T, B) bool, not yet over before the step. actions: (T, B, ...).
    final: {row: (books, ts)} at the end of its window. fills: (K,) state.FILL, or None where not recorded.
    lucky: ((T, B) int64 ns, (T, B) money) of assess.Backtest.luck, or None.
    """

    sent: np.ndarray
    was_open: np.ndarray
    actions: np.ndarray
    final: dict
    fills: np.ndarray | None
    lucky: tuple | None


def _play(sim, acts, drawn, gauge, bar):
    """One window in every row of `sim`, an even part of the rows for each of `acts`; gauge: luck.Gauge, or None."""
    count = len(sim.rows) // len(acts)
    parts = [Part(sim, slice(k * count, (k + 1) * count)) for k in range(len(acts))]
    sent, was_open, actions, final, fills, lucky = [], [], [], {}, [], []

    def acted(_):
        if gauge:
            gauge.before(sim)
        given = [act(part) for act, part in zip(acts, parts, strict=True)]
        actions.append(np.concatenate([quoting.padded(one, sim.width) for one in given]))
        return actions[-1]

    def remember(one, open_rows):
        sent.append(one.sent.copy())
        was_open.append(open_rows.copy())
        if drawn:
            fills.append(one.fills[open_rows[one.fills["batch_row"]]])
        if gauge:
            lucky.append((one.rows["ts"].copy(), gauge.after(one)))
        for b in np.flatnonzero(open_rows & (one.step_type == kernel.LAST)):
            final[b] = one.books[b].copy(), int(one.rows["ts"][b])
        bar.update()

    rollout.run(sim, acted, remember)
    logged = np.concatenate(fills) if drawn else None
    known = tuple(np.stack(part) for part in zip(*lucky, strict=True)) if gauge else None
    return _Played(np.stack(sent), np.stack(was_open), np.stack(actions), final, logged, known)


def _title(acts):
    return next(iter(acts)) if len(acts) == 1 else f"{len(acts)} policies"


def _backtest(task, segment, own, played, b, start_ns, distances):
    """The Backtest of row b, which played `segment`; own: its Tape."""
    was_open = played.was_open[:, b]
    sent = _schedule(task, played.sent[was_open, b])
    # the closed loop stops with its last decision; the quote that is still out must not fill later
    books, stop_ns = played.final[b]
    limited, outcomes = _limited(task), None
    if task.drawn:
        fills = _drawn(task, played.fills, b, segment)
    else:
        replayed = replay.replay(own, sent, limited)
        fills, outcomes = replayed.fills[replayed.fills["ts_ns"] <= stop_ns], replayed.outcomes
    _check(fills, books, task)
    taken = None if distances else played.actions[was_open, b].astype(np.float32)
    first_row = segment.start_row - task.store.session(segment.session).start_row
    lucky = tuple(part[was_open, b] for part in played.lucky) if played.lucky else None
    return record.Backtest(
        segment.session, own, (start_ns, stop_ns), sent, fills, taken, first_row, limited, outcomes, lucky
    )


def policy_actions(task, policy):
    """The act function of a saved policy: features of every row -> actions."""
    return lambda sim: policy.each(task.observe(sim))


def _drawn(task, log, row, segment):
    """(K,) FILLS of a row of the closed loop, `event` counted from the segment's first."""
    own = log[log["batch_row"] == row]
    own["event"] -= segment.start_row
    instruments = task.store.instruments
    return replay.at_the_door(own, instruments, rules.money_units(instruments, task.parameters))


def _limited(task):
    """The fill rules with the inventory limits of the task."""
    lots = task.parameters["limit_lot"]
    limits = tuple(float(lot) * one.lot_size for lot, one in zip(lots, task.store.instruments, strict=True))
    return dataclasses.replace(task.rules, inventory_limit=limits)


def _schedule(task, quotes):
    """(S,) SCHEDULE from the (T, N) orders sent; without a market (no lots) nothing was sent."""
    count = quotes.shape[1]
    out = np.zeros(quotes.shape, replay.SCHEDULE)
    for n in range(count):
        one, own = task.store.instruments[n], quotes[:, n]
        out["ts_ns"][:, n], out["instrument"][:, n] = own["active_ns"], n
        for side in ("bid", "ask"):
            quoted = own[f"{side}_lot"] > 0
            out[f"{side}_px"][:, n] = np.where(quoted, schema.multiples(own[f"{side}_tick"], one.tick_size), np.nan)
            out[f"{side}_qty"][:, n] = np.where(quoted, schema.multiples(own[f"{side}_lot"], one.lot_size), 0.0)
    return out.reshape(-1)


def _check(fills, books, task):
    for n, one in enumerate(task.store.instruments):
        own = fills[fills["instrument"] == n]
        held = round(float((own["side"] * own["qty"]).sum()) / one.lot_size)
        assert (held, len(own)) == (books["inventory_lot"][n], books["n_fills"][n]), (
            f"replay of {one.symbol} holds {held} lots after {len(own)} fills, "
            f"the closed loop {books['inventory_lot'][n]} after {books['n_fills'][n]}"
        )


class Part:
    """Some rows of a Simulator as a rule sees them: views, which every step overwrites."""

    def __init__(self, sim, rows):
        self.rules, self.interval_ns = sim.rules, sim.interval_ns
        self.rows, self.books, self.sent = sim.rows[rows], sim.books[rows], sim.sent[rows]
        self.observation, self.reward, self.step_type = sim.observation[rows], sim.reward[rows], sim.step_type[rows]
