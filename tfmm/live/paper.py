"""A paper account: fills of a live session by our own fill rules, what they earned, and what the market did after them.

Assumes that our quotes change nothing: nobody reacts to them, and what they fill is still there for others. It places
no orders.
"""

import datetime
from collections.abc import Sequence
from typing import BinaryIO

import msgspec
import numpy as np

from tfmm.arrays import Floats, Records
from tfmm.evaluation.metrics import path
from tfmm.market import schema, tape
from tfmm.simulation import stream as stream_lib
from tfmm.simulation.exchange import ledger, replay, rules

_NS = 10**9
_LONGEST_NS = max(path.MARKOUT_S) * _NS
_SETTLED_EVENTS = 1 << 14  # after as many, markouts are computed and events that none needs any more are forgotten


class Fill(msgspec.Struct, frozen=True):
    """A line of the file of fills. ts: ns UTC. side: +1 bought, -1 sold. fee: quote currency, below 0: a rebate.

    rule: what filled us, see simulation.state.RULE_NAMES. inventory: after it, size unit.
    """

    ts: int
    instrument: str
    side: int
    price: float
    size: float
    fee: float
    rule: str
    inventory: float


class Standing(msgspec.Struct, frozen=True):
    """The account in one instrument, in the words of an evaluation; money in the quote currency, sizes in size units.

    net_pnl: after fees, marked at the mid of the last quote. markout_bps: {horizon in s: mean over fills}, None before
    the first one is known.
    """

    net_pnl: float
    fees: float
    inventory: float
    n_fills: int
    n_buys: int
    n_sells: int
    filled_qty: float
    markout_bps: dict[str, float | None]


class Account:
    """The account of a Stream that has not begun, as of its last decision; markouts know the market since."""

    def __init__(
        self, stream: stream_lib.Stream, instruments: Sequence[schema.Instrument], file: BinaryIO | None = None
    ) -> None:
        """
        Args:
            stream: whose fills are simulated. instruments: N. file: gets a line of JSON for each fill, a Fill.
        """
        self._stream, self._instruments, self._file = stream, tuple(instruments), file
        self._unit = rules.money_units(instruments, stream.parameters)
        self._qty = np.zeros((len(instruments), 2))  # bought, sold
        self._count = np.zeros((len(instruments), 2), np.int64)
        self._events: list[Records] = []
        self._unsettled = 0
        self._pending = np.zeros(0, replay.FILLS)  # fills whose longest markout is not known yet
        self._sums = np.zeros((len(instruments), len(path.MARKOUT_S), 2))  # bps, fills
        stream.observe(self._on_step)

    def standing(self) -> dict[str, Standing]:
        """{symbol: Standing}."""
        self._settle()
        markouts = self._sums + self._markouts(self._pending, [*self._events, self._stream.waiting])
        out = {}
        for n, instrument in enumerate(self._instruments):
            state = self._stream.instruments[0, n]
            equity = ledger.equity(state, self._stream.parameters["reference_tick"][n])
            out[instrument.symbol] = Standing(
                net_pnl=float(equity * self._unit[n]),
                fees=float(state["fees"] * self._unit[n]),
                inventory=float(schema.multiples(state["inventory_lot"], instrument.lot_size)),
                n_fills=int(self._count[n].sum()),
                n_buys=int(self._count[n, 0]),
                n_sells=int(self._count[n, 1]),
                filled_qty=float(self._qty[n].sum()),
                markout_bps={
                    str(horizon): float(bps / fills) if fills else None
                    for horizon, (bps, fills) in zip(path.MARKOUT_S, markouts[n], strict=True)
                },
            )
        return out

    def line(self) -> str:
        """The same for people: one line for each instrument."""
        when = "before the first decision"
        if self._stream.decision_ns is not None:
            decided = datetime.datetime.fromtimestamp(self._stream.decision_ns // _NS, datetime.UTC)
            when = f"{decided:%Y-%m-%d %H:%M:%S} UTC"
        lines = []
        for instrument, one in zip(self._instruments, self.standing().values(), strict=True):
            bps = ", ".join(f"{s} s {'-' if x is None else f'{x:+.2f}'}" for s, x in one.markout_bps.items())
            lines.append(
                f"paper {instrument.symbol} {when}: PnL {one.net_pnl:+.6g} {instrument.quote_currency} after fees of "
                f"{one.fees:.6g}, inventory {one.inventory:+g}, {one.n_buys} fills bought and {one.n_sells} sold, "
                f"markouts in bps: {bps}"
            )
        return "\n".join(lines)

    def _on_step(self, events, fills):
        self._events.append(events)
        self._unsettled += len(events)
        if len(fills):
            self._book(replay.to_fills(fills, self._instruments, self._unit))
        if self._unsettled > _SETTLED_EVENTS:
            self._settle()

    def _book(self, fills):
        self._pending = np.concatenate([self._pending, fills])
        for fill in fills:
            n, side = int(fill["instrument"]), int(fill["side"])
            column = 0 if side > 0 else 1
            self._count[n, column] += 1
            self._qty[n, column] += fill["qty"]
            if self._file is not None:
                lot = self._instruments[n].lot_size
                inventory = schema.multiples(np.rint((self._qty[n, 0] - self._qty[n, 1]) / lot), lot)
                line = Fill(
                    int(fill["ts_ns"]), self._instruments[n].symbol, side, float(fill["px"]), float(fill["qty"]),
                    float(fill["fee"]), str(fill["rule"]), float(inventory),
                )  # fmt: skip
                self._file.write(msgspec.json.encode(line) + b"\n")
        if self._file is not None:
            self._file.flush()

    def _settle(self):
        """Adds the markouts that are known at every horizon, and forgets the events that no other fill needs."""
        self._unsettled = 0
        if not self._events:
            return
        events = np.concatenate(self._events)
        self._events = [events]
        if not len(events):
            return
        known = self._pending["ts_ns"] + _LONGEST_NS <= events["ts"][-1]
        self._sums += self._markouts(self._pending[known], self._events)
        self._pending = self._pending[~known]
        first_ns = self._pending["ts_ns"].min() if len(self._pending) else events["ts"][-1]
        kept = events["ts"] > first_ns
        for n in range(len(self._instruments)):
            quotes = np.flatnonzero((events["instrument"] == n) & (events["kind"] == schema.QUOTE) & ~kept)
            kept[quotes[-1:]] = True  # the market at first_ns
        self._events = [events[kept]]

    def _markouts(self, fills: Records, events: Sequence[Records]) -> Floats:
        """(N, horizons, 2): sum in bps and number of the fills whose markout is known."""
        out = np.zeros_like(self._sums)
        if not len(fills):
            return out
        seen = tape.Tape(np.concatenate(events), self._instruments)
        for n in range(len(self._instruments)):
            for h, bps in enumerate(path.markouts(seen, fills, n).values()):
                out[n, h] = np.nansum(bps), np.isfinite(bps).sum()
        return out
