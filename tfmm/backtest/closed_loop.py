"""Closed loop on a split, then a replay of what was sent: the fills that all numbers come from."""

import dataclasses
import itertools
from typing import Any, NamedTuple

import numpy as np
import tqdm

from tfmm.backtest import control_variate, record
from tfmm.backtest.expected_objective import Strategy
from tfmm.environments.tape.task import TapeTask
from tfmm.market import schema, tape
from tfmm.simulation import kernel, rollout, state
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

    The trading periods of a session are played one after another: each begins with the inventory that the one before
    ended with (what its market was worth meanwhile counts at its first mid, the closed hours cost no risk).

    Args:
        task: TapeTask. split: "train", "validation" or "test". acts: {name: function of a simulator, or of a
            SimulatorView, that returns its actions (B, N, 2) or (B, 2 N)}.
        distances: they are raw distances (of baselines) instead of actions.

    Returns:
        {name: list of record.Backtest, one per segment}.
    """
    segments = task.segments[split]
    windows = task.windows(segments)
    sessions = [segments[index].session for index in windows[:, 0]]
    rank = np.array([sessions[:k].count(session) for k, session in enumerate(sessions)])
    rounds = [np.flatnonzero(rank == k) for k in range(rank.max() + 1)]
    interval_ns = round(task.config.environment.interval_s * 1e9)
    steps = sum(int((windows[chosen, 2] - windows[chosen, 1]).max() // interval_ns) for chosen in rounds)
    out: dict[str, list[Any]] = {name: [None] * len(windows) for name in acts}
    closes: dict[tuple[str, str], _Close] = {}
    with tqdm.tqdm(total=steps, desc=f"backtest {_title(acts)}", unit="step", disable=None, leave=False) as bar:
        for number, chosen in enumerate(rounds):
            played = _play_round(task, segments, windows[chosen], acts, distances, (closes, number, bar))
            for (name, k), backtest in zip(itertools.product(acts, chosen), played, strict=True):
                out[name][k] = backtest
    return out


class _Close(NamedTuple):
    """How a trading period ended: (N,) state.POSITION and the (N,) mids at which it was valued."""

    positions: np.ndarray
    px: tuple[float, ...]


def _play_round(task, segments, windows, acts, distances, progress):
    """Backtests of every policy on windows of different sessions, policy after policy.

    Args:
        progress: ({(policy, session): _Close} of the rounds before, which is brought up to date, number of this round,
            bar).
    """
    closes, number, bar = progress
    count = len(windows)
    every = np.tile(windows, (len(acts), 1))
    variate = control_variate.ControlVariate(task) if control_variate.is_known(task) else None
    create = control_variate.expectation_task(task).training_simulator if variate else task.backtest_simulator
    sim = create(segments, len(every), number, windows=every, distances=distances, record=task.has_drawn_fills)
    sim.rows["random"] = np.tile(sim.rows["random"][:count], len(acts))
    keys = list(itertools.product(acts, [segments[index].session for index in windows[:, 0]]))
    before = [closes[key] for key in keys] if number else [None] * len(keys)
    positions = np.stack([close.positions for close in before]) if number else None
    recording = _play(sim, list(acts.values()), task.has_drawn_fills, variate, positions, bar)
    tapes = [
        tape.Tape(
            task.store.events[one.start_row : one.stop_row],
            task.store.instruments,
            rates=task.rates,
            price_steps=task.store.session(one.session).price_steps,
        )
        for one in (segments[index] for index, _, _ in windows)
    ]
    out = []
    for b, (index, start_ns, _) in enumerate(every):
        of_row = _Row(segments[index], tapes[b % count], b, int(start_ns), before[b])
        out.append(_backtest(task, of_row, recording, distances))
        closes[keys[b]] = _close(task, *recording.final[b], tapes[b % count])
    return out


def _close(task, instrument_states, stop_ns, segment_tape):
    """The _Close of a window from its last instrument states."""
    positions = np.zeros(len(instrument_states), state.POSITION)
    for name in state.POSITION.names:
        positions[name] = instrument_states[name]
    events = segment_tape.events[: np.searchsorted(segment_tape.events["ts"], stop_ns, side="right")]
    px = []
    for n, one in enumerate(task.store.instruments):
        quotes = np.flatnonzero((events["instrument"] == n) & (events["kind"] == schema.QUOTE))
        last = events[quotes[-1]] if len(quotes) else None
        px.append(0.5 * float(last["lo_tick"] + last["hi_tick"]) * one.tick_size if last is not None else np.nan)
    return _Close(positions, tuple(px))


class _Row(NamedTuple):
    """A row of a closed loop: its segment and that segment's Tape, its number, when it began and after which _Close."""

    segment: Any
    tape: tape.Tape
    number: int
    start_ns: int
    before: _Close | None


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


def _play(sim, acts, records_fills, variate, positions, bar):
    """Plays one window in every row of `sim`, an equal share of the rows with each of `acts`.

    Args:
        variate: ControlVariate, or None. positions: (B, N) state.POSITION at the start, or None.
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

    rollout.run(sim, act, remember, positions)
    logged = np.concatenate(fills) if records_fills else None
    stacked = tuple(np.stack(part) for part in zip(*variates, strict=True)) if variate else None
    return _Recording(np.stack(sent), np.stack(was_open), np.stack(actions), final, logged, stacked)


def _title(acts):
    return next(iter(acts)) if len(acts) == 1 else f"{len(acts)} policies"


def _backtest(task, of_row, recording, distances):
    """The Backtest of a _Row."""
    segment, segment_tape, b, start_ns, before = of_row
    was_open = recording.was_open[:, b]
    sent = _schedule(task, recording.sent[was_open, b])
    positions, closing_px = before or (None, ())
    # the closed loop stops with its last decision; the quote that is still out must not fill later
    instrument_states, stop_ns = recording.final[b]
    limited, outcomes = _limited(task), None
    if task.has_drawn_fills:
        fills = _drawn(task, recording.fills, b, segment)
    else:
        replayed = replay.replay(segment_tape, sent, limited, positions)
        fills, outcomes = replayed.fills[replayed.fills["ts_ns"] <= stop_ns], replayed.outcomes
    _check(fills, instrument_states, positions, task)
    return record.Backtest(
        session=segment.session,
        tape=segment_tape,
        span=(start_ns, stop_ns),
        schedule=sent,
        fills=fills,
        actions=None if distances else recording.actions[was_open, b].astype(np.float32),
        first_row=segment.start_row - task.store.session(segment.session).start_row,
        rules=limited,
        outcomes=outcomes,
        control_variate=tuple(part[was_open, b] for part in recording.variates) if recording.variates else None,
        positions=positions,
        closing_px=closing_px,
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


def _check(fills, instrument_states, positions, task):
    for n, one in enumerate(task.store.instruments):
        of_instrument = fills[fills["instrument"] == n]
        inventory = round(float((of_instrument["side"] * of_instrument["qty"]).sum()) / one.lot_size)
        inventory += 0 if positions is None else int(positions["inventory_lot"][n])
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
