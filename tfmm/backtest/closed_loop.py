"""Closed loop on a split, then a replay of what was sent: the fills that all numbers come from."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import tqdm

from tfmm.backtest import control_variate, record
from tfmm.backtest.expected_objective import Strategy
from tfmm.environments.tape.task import TapeTask
from tfmm.market import schema, tape
from tfmm.simulation import kernel, rollout
from tfmm.simulation.dealer import quoting
from tfmm.simulation.exchange import replay, rules
from tfmm.simulation.simulator import Simulator


def run(task: TapeTask, split: str, act: Strategy, distances: bool, name: str) -> list[record.Backtest]:
    """Plays whole segments with one policy: see run_all."""
    return run_all(task, split, {name: act}, distances)[name]


def run_all(task: TapeTask, split: str, acts: dict[str, Strategy], distances: bool) -> dict[str, list[record.Backtest]]:
    """Plays whole segments with several policies side by side.

    The closed loop records the quotes sent, and `replay` fills them again on the same tape: fills, cash and inventory
    of both must be equal. Where clients trade or inventory is hedged, the fills are those of the closed loop; the same
    clients arrive for every policy.

    Args:
        task: TapeTask. split: "train", "validation" or "test". acts: {name: function of a simulator, or of a
            SimulatorView, that returns its actions (B, N, 2) or (B, 2 N)}.
        distances: they are raw distances (of baselines) instead of actions.

    Returns:
        {name: list of record.Backtest, one per segment}.
    """
    segments = task.segments[split]
    windows = task.windows(segments)
    count = len(windows)
    every = np.tile(windows, (len(acts), 1))
    variate = control_variate.ControlVariate(task) if control_variate.is_known(task) else None
    create = control_variate.expectation_task(task).training_simulator if variate else task.backtest_simulator
    sim = create(segments, len(every), windows=every, distances=distances, record=task.has_drawn_fills)
    sim.rows["random"] = np.tile(sim.rows["random"][:count], len(acts))
    longest = int((windows[:, 2] - windows[:, 1]).max() // sim.interval_ns)
    with tqdm.tqdm(total=longest, desc=f"backtest {_title(acts)}", unit="step", disable=None, leave=False) as bar:
        recording = _play(sim, list(acts.values()), task.has_drawn_fills, variate, bar)
    tapes = [
        tape.Tape(task.store.events[one.start_row : one.stop_row], task.store.instruments, rates=task.rates)
        for one in (segments[index] for index, _, _ in windows)
    ]
    out: dict[str, list[record.Backtest]] = {name: [] for name in acts}
    for b, (index, start_ns, _) in enumerate(every):
        one = _backtest(task, segments[index], tapes[b % count], recording, b, int(start_ns), distances)
        out[list(acts)[b // count]].append(one)
    return out


class _Recording(NamedTuple):
    """A closed loop of T steps and B rows.

    sent: (T, B, N) state.ORDER. was_open: (T, B) bool, whether the window was not yet over before the step.
    actions: (T, B, ...). final: {row: (instrument states, ts)} at the end of its window. fills: (K,) state.FILL, or
    None where not recorded.
    variates: ((T, B) int64 ns, (T, B) money) of record.Backtest.control_variate, or None.
    """

    sent: np.ndarray
    was_open: np.ndarray
    actions: np.ndarray
    final: dict
    fills: np.ndarray | None
    variates: tuple | None


def _play(sim, acts, records_fills, variate, bar):
    """Plays one window in every row of `sim`, an equal share of the rows with each of `acts`.

    Args:
        variate: ControlVariate, or None.
    """
    count = len(sim.rows) // len(acts)
    views = [SimulatorView(sim, slice(k * count, (k + 1) * count)) for k in range(len(acts))]
    sent, was_open, actions, final, fills, variates = [], [], [], {}, [], []

    def act(_):
        if variate:
            variate.begin_interval(sim)
        given = [strategy(view) for strategy, view in zip(acts, views, strict=True)]
        actions.append(np.concatenate([quoting.padded(one, sim.width) for one in given]))
        return actions[-1]

    def remember(one, open_rows):
        sent.append(one.sent.copy())
        was_open.append(open_rows.copy())
        if records_fills:
            fills.append(one.fills[open_rows[one.fills["batch_row"]]])
        if variate:
            variates.append((one.rows["ts"].copy(), variate.end_interval(one)))
        for b in np.flatnonzero(open_rows & (one.step_type == kernel.LAST)):
            final[b] = one.instruments[b].copy(), int(one.rows["ts"][b])
        bar.update()

    rollout.run(sim, act, remember)
    logged = np.concatenate(fills) if records_fills else None
    stacked = tuple(np.stack(part) for part in zip(*variates, strict=True)) if variate else None
    return _Recording(np.stack(sent), np.stack(was_open), np.stack(actions), final, logged, stacked)


def _title(acts):
    return next(iter(acts)) if len(acts) == 1 else f"{len(acts)} policies"


def _backtest(task, segment, segment_tape, recording, b, start_ns, distances):
    """The Backtest of row b, which played `segment`; segment_tape: its Tape."""
    was_open = recording.was_open[:, b]
    sent = _schedule(task, recording.sent[was_open, b])
    # the closed loop stops with its last decision; the quote that is still out must not fill later
    instrument_states, stop_ns = recording.final[b]
    limited, outcomes = _limited(task), None
    if task.has_drawn_fills:
        fills = _drawn(task, recording.fills, b, segment)
    else:
        replayed = replay.replay(segment_tape, sent, limited)
        fills, outcomes = replayed.fills[replayed.fills["ts_ns"] <= stop_ns], replayed.outcomes
    _check(fills, instrument_states, task)
    actions = None if distances else recording.actions[was_open, b].astype(np.float32)
    first_row = segment.start_row - task.store.session(segment.session).start_row
    variates = tuple(part[was_open, b] for part in recording.variates) if recording.variates else None
    return record.Backtest(
        segment.session, segment_tape, (start_ns, stop_ns), sent, fills, actions, first_row, limited, outcomes, variates
    )


def policy_actions(task: TapeTask, policy: Any) -> Strategy:
    """The strategy of a saved policy: features of every row -> actions."""
    return lambda sim: policy.row_by_row(task.observe(sim))


def _drawn(task, log, row, segment):
    """(K,) FILLS of a row of the closed loop, `event` counted from the segment's first."""
    fills = log[log["batch_row"] == row]
    fills["event"] -= segment.start_row
    instruments = task.store.instruments
    return replay.to_fills(fills, instruments, rules.money_units(instruments, task.parameters))


def _limited(task):
    """The fill rules with the inventory limits of the task."""
    lots = task.parameters["limit_lot"]
    limits = tuple(float(lot) * one.lot_size for lot, one in zip(lots, task.store.instruments, strict=True))
    return dataclasses.replace(task.fill_rules, inventory_limit=limits)


def _schedule(task, quotes):
    """(S,) SCHEDULE from the (T, N) orders sent; without a market (no lots) nothing was sent."""
    count = quotes.shape[1]
    out = np.zeros(quotes.shape, replay.SCHEDULE)
    for n in range(count):
        one, orders = task.store.instruments[n], quotes[:, n]
        out["ts_ns"][:, n], out["instrument"][:, n] = orders["active_ns"], n
        for side in ("bid", "ask"):
            quoted = orders[f"{side}_lot"] > 0
            out[f"{side}_px"][:, n] = np.where(quoted, schema.multiples(orders[f"{side}_tick"], one.tick_size), np.nan)
            out[f"{side}_qty"][:, n] = np.where(quoted, schema.multiples(orders[f"{side}_lot"], one.lot_size), 0.0)
    return out.reshape(-1)


def _check(fills, instrument_states, task):
    for n, one in enumerate(task.store.instruments):
        of_instrument = fills[fills["instrument"] == n]
        inventory = round(float((of_instrument["side"] * of_instrument["qty"]).sum()) / one.lot_size)
        assert (inventory, len(of_instrument)) == (
            instrument_states["inventory_lot"][n],
            instrument_states["n_fills"][n],
        ), (
            f"replay of {one.symbol} holds {inventory} lots after {len(of_instrument)} fills, "
            f"the closed loop {instrument_states['inventory_lot'][n]} after {instrument_states['n_fills'][n]}"
        )


class SimulatorView:
    """Some rows of a Simulator as a strategy reads them: NumPy views that every step overwrites."""

    def __init__(self, sim: Simulator, rows: slice) -> None:
        self.parameters, self.interval_ns = sim.parameters, sim.interval_ns
        self.rows, self.instruments, self.sent = sim.rows[rows], sim.instruments[rows], sim.sent[rows]
        self.observation, self.reward, self.step_type = sim.observation[rows], sim.reward[rows], sim.step_type[rows]
