"""Replay of a schedule of quotes over a tape: which quotes were filled, when, and by which rule."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from tfmm.arrays import Bytes, Floats, Records
from tfmm.market import schema, tape as tape_lib
from tfmm.simulation import arguments, state
from tfmm.simulation.exchange import events, explanation, orders, rules as rules_lib

SCHEDULE = orders.SCHEDULE
FILLS = np.dtype(
    [
        ("ts_ns", np.int64),
        ("side", np.int8),
        ("px", np.float64),
        ("qty", np.float64),
        ("fee", np.float64),
        ("rule", "U6"),
        ("event", np.int64),
        ("instrument", np.int16),
    ]
)
"""side: +1 we bought, -1 we sold. fee in quote currency. rule: a name of state.RULE_NAMES. event: tape row."""


@dataclasses.dataclass(frozen=True, eq=False)
class Result:
    """Outcome of a replay.

    Attributes:
        fills: (K,) FILLS in order of time.
        inventory: (N,) float64 final position, size unit.
        cash: (N,) float64 final cash before fees, quote currency. fees: (N,) likewise. Of an inverse contract
            both are counted at the reference price, see tfmm.simulation.exchange.ledger.
        outcomes: (S, 2) int8, what became of bid and ask of each quote: indices into state.OUTCOME_NAMES.
        tape, schedule, rules: what was replayed.
    """

    fills: Records
    inventory: Floats
    cash: Floats
    fees: Floats
    outcomes: Bytes
    tape: tape_lib.Tape
    schedule: Records
    rules: rules_lib.FillRules

    def explain(self, number: int) -> str:
        """Why fill `number` happened, in words; see tfmm.simulation.exchange.explanation."""
        return explanation.fill(self, number)

    def explain_quote(self, number: int) -> str:
        """What became of quote `number` of the schedule, filled or not, in words."""
        return explanation.quote(self, number)


def replay(
    tape: tape_lib.Tape,
    schedule: Records,
    rules: rules_lib.FillRules | None = None,
    positions: Records | None = None,
) -> Result:
    """Applies the tape to a schedule of quotes by the fill rules.

    Args:
        schedule: (S,) structured array with the fields of SCHEDULE (`instrument` optional), times non-decreasing.
        rules: None: the defaults of FillRules.
        positions: (N,) state.POSITION that is held from the start; None: nothing.

    Raises:
        DataError: a field is missing, time goes back, a quantity is not positive or below one lot.
    """
    rules = rules or rules_lib.FillRules()
    count = len(tape.instruments)
    parameters = rules_lib.parameters(tape.instruments, rules, rules_lib.reference_ticks(tape))
    schedule = orders.checked(schedule, count)
    account, index = orders.in_flight(tape, schedule, parameters)
    if positions is not None:
        state.hold(account.instruments, positions)
    log = arguments.FillLog(np.empty(2 * len(schedule) + 64, state.FILL), np.zeros(1, state.COUNTER)[0])
    market = state.read_only(tape.events)
    cursor, last = 0, int(market["ts"][-1]) if len(market) else 0
    while True:
        cursor = events.advance(market, cursor, len(market), last, account, False, False, log)
        if cursor == len(market):
            break
        log = log._replace(fills=np.concatenate([log.fills, np.empty(len(log.fills), state.FILL)]))
    unit = rules_lib.money_units(tape.instruments, parameters)
    lot = np.array([one.lot_size for one in tape.instruments])
    return Result(
        to_fills(log.fills[: log.counter["n_fills"]], tape.instruments, unit),
        account.instruments["inventory_lot"] * lot,
        account.instruments["cash"] * unit,
        account.instruments["fees"] * unit,
        np.stack([account.in_flight[f"{side}_outcome"][index] for side in ("bid", "ask")], axis=1).astype(np.int8),
        tape,
        schedule,
        rules,
    )


_RULE_NAMES = np.array(state.RULE_NAMES, "U6")


def to_fills(log: Records, instruments: Sequence[schema.Instrument], unit: Floats) -> Records:
    """(K,) FILLS of a log (K,) of state.FILL. unit: (N,) quote currency of one tick x lot."""
    out = np.empty(len(log), FILLS)
    owner = log["instrument"]
    out["ts_ns"], out["side"], out["event"], out["instrument"] = log["ts"], log["side"], log["event"], owner
    for n, instrument in enumerate(instruments):
        rows = slice(None) if len(instruments) == 1 else owner == n
        out["px"][rows] = schema.multiples(log["tick"][rows], instrument.tick_size)
        out["qty"][rows] = schema.multiples(log["lot"][rows], instrument.lot_size)
        out["fee"][rows] = log["fee"][rows] * unit[n]
    out["rule"] = _RULE_NAMES.take(log["rule"])
    return out
