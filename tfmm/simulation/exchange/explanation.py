"""Why a quote was filled or not, in words, from a replay's result."""

from typing import Any

import numpy as np

from tfmm.market import schema
from tfmm.simulation import state

_HORIZONS_S = (1, 5, 30)
_WHY = {
    "MARKET": "the market moved through it",
    "TRADE": "a trade printed through it",
    "TOUCH": "a trade printed at it, the aggressor on the other side or unknown",
    "QUEUE": "a trade printed at it and left at least a whole lot beyond the queue ahead of us",
    "TAKER": "it was marketable when it became active and took the touch",
    "CLIENT": "a client took it",
}
_PARTIAL = {
    "MARKET": "the size displayed at the far price, less what we took of it before",
    "TRADE": "the size of the trade",
    "TOUCH": "the size of the trade",
    "QUEUE": "the whole lots that the trade left",
    "TAKER": "the size displayed at the touch, less what we took of it before",
}
_AFTER = ("TAKER", "CLIENT", "HEDGE")  # rules whose fills happen after the event that they name, not because of it


def fill(result: Any, number: int) -> str:
    """Why a fill happened: rule, event, our quote, the market before and after, markouts.

    Args:
        result: replay.Result. number: index into its fills.

    Raises:
        IndexError: no such fill.
    """
    record = result.fills[number]
    instrument = result.tape.instruments[record["instrument"]]
    side, word = ("bid", "bought") if record["side"] > 0 else ("ask", "sold")
    why = "no quote of ours: inventory was closed at the market"
    if record["rule"] != "HEDGE":
        sent = _quote_of(result, record)
        rule = str(record["rule"])
        most = f", partial: for at most {_PARTIAL[rule]}" if result.rules.partial and rule in _PARTIAL else ""
        why = f"our {side} rested and {_WHY[rule]}{most}\nquote {sent} of the schedule: "
        why += _quoted(result, sent, instrument)
    before = record["event"] + (record["rule"] in _AFTER)
    lines = [
        f"fill {number}: {word} {record['qty']:g} {instrument.symbol} at {_px(record['px'], instrument)}, "
        f"fee {record['fee']:.6g}, at {_time(record['ts_ns'])}",
        f"rule {record['rule']}: {why}",
        f"event, tape row {record['event']}: {_event_text(result.tape.events[record['event']], instrument)}",
        f"market before {_market(result.tape, before, record['instrument'], instrument)}, "
        f"after {_market(result.tape, record['event'] + 1, record['instrument'], instrument)}",
    ]
    marks = [f"{seconds} s {_markout(result.tape, record, seconds):+.6g}" for seconds in _HORIZONS_S]
    return "\n".join([*lines, f"markout to the mid, price: {', '.join(marks)}"])


def quote(result: Any, number: int) -> str:
    """What became of a quote of the schedule, side by side.

    Args:
        result: replay.Result. number: index into its schedule.
    """
    row = result.schedule[number]
    instrument = result.tape.instruments[row["instrument"]]
    lines = [f"quote {number}: {_quoted(result, number, instrument)}"]
    start, stop, until = _life(result, number)
    for k, side in enumerate(("bid", "ask")):
        became = state.OUTCOME_NAMES[result.outcomes[number, k]]
        text = f"{side}: {became}"
        if became in ("quoted", "moved", "taken"):
            filled = result.fills[
                (result.fills["instrument"] == row["instrument"])
                & (result.fills["side"] == (1 if side == "bid" else -1))
            ]
            filled = filled[(filled["ts_ns"] > start) & (filled["ts_ns"] <= until)]
            if len(filled):
                text += f", filled {filled['qty'].sum():g} ({', '.join(dict.fromkeys(filled['rule'].tolist()))})"
            else:
                text += f", not filled: {_nearest(result, row, side, start, stop, instrument)}"
        lines.append(text)
    return "\n".join(lines)


def _active_ns(result, number):
    latency = np.broadcast_to(result.rules.latency_ns, len(result.tape.instruments))
    row = result.schedule[number]
    return int(row["ts_ns"]) + int(latency[row["instrument"]])


def _life(result, number):
    """(active_ns, tape row one past the last event it met, time until which it rested)."""
    ts, owner = result.schedule["ts_ns"], result.schedule["instrument"]
    later = np.flatnonzero((owner == owner[number]) & (np.arange(len(ts)) > number))
    start = _active_ns(result, number)
    until = _active_ns(result, later[0]) if len(later) else int(result.tape.events["ts"][-1])
    return start, int(np.searchsorted(result.tape.events["ts"], until, side="right")), until


def _quote_of(result, record):
    """Index in the schedule of the quote that was live at a fill: the last one active before its event."""
    latency = np.broadcast_to(result.rules.latency_ns, len(result.tape.instruments))[record["instrument"]]
    of_instrument = result.schedule["instrument"] == record["instrument"]
    active = result.schedule["ts_ns"] + latency
    live = of_instrument & (active <= record["ts_ns"] if record["rule"] in _AFTER else active < record["ts_ns"])
    return int(np.flatnonzero(live)[-1])


def _nearest(result, row, side, start, stop, instrument):
    """How close the market came to our price while it rested."""
    events = result.tape.events[np.searchsorted(result.tape.events["ts"], start, side="right") : stop]
    events = events[events["instrument"] == row["instrument"]]
    if not len(events):
        return "replaced before any event"
    unknown = np.flatnonzero(events["kind"] == schema.NO_MARKET)
    if len(unknown):
        return f"cancelled as the market was unknown from {_time(events['ts'][unknown[0]])}"
    px = row[f"{side}_px"]
    reached = events["hi_tick"].min() if side == "bid" else events["lo_tick"].max()
    reached_px = float(schema.multiples(np.array(reached), instrument.tick_size))
    away = reached_px - px if side == "bid" else px - reached_px
    if away > 0:
        return f"the nearest price was {_px(reached_px, instrument)}, {away / instrument.tick_size:.0f} ticks away"
    return (
        "touched, but the rules gave no fill (a touch, the queue ahead, less than a lot left, or displayed size "
        "that we had taken before)"
    )


def _quoted(result, number, instrument):
    row = result.schedule[number]
    sides = [
        f"{side} {row[f'{side}_qty']:g} at {_px(row[f'{side}_px'], instrument)}"
        for side in ("bid", "ask")
        if np.isfinite(row[f"{side}_px"])
    ]
    return f"{', '.join(sides) or 'no side'}, sent {_time(row['ts_ns'])}, active {_time(_active_ns(result, number))}"


def _event_text(event, instrument):
    lo, hi = (_px(float(event[name]) * instrument.tick_size, instrument) for name in ("lo_tick", "hi_tick"))
    if event["kind"] == schema.NO_MARKET:
        return "a quote that cannot be true: the market is unknown until the next one"
    if event["kind"] == schema.ONE_SIDED:
        bid = event["hi_tick"] == schema.NO_ASK
        return f"quote {event['lo_size']:g} at {lo}, no ask" if bid else f"quote no bid, {event['hi_size']:g} at {hi}"
    if event["kind"] == schema.QUOTE:
        return f"quote {event['lo_size']:g} at {lo}, {event['hi_size']:g} at {hi}"
    side = {1: "buyer", -1: "seller"}.get(int(event["side"]), "unknown side")
    return f"trade of {event['lo_size']:g} at {lo if lo == hi else f'{lo} to {hi}'}, aggressor {side}"


def _last_quote(tape, row, number, kinds=(schema.QUOTE,)):
    """The last quote of an instrument before a tape row; None without one."""
    for k in range(int(row) - 1, -1, -1):
        event = tape.events[k]
        if event["instrument"] == number and event["kind"] in kinds:
            return event
    return None


def _market(tape, row, number, instrument):
    event = _last_quote(tape, row, number, (schema.QUOTE, schema.ONE_SIDED, schema.NO_MARKET))
    if event is None:
        return "none"
    if event["kind"] != schema.QUOTE:
        return _event_text(event, instrument)
    lo, hi = (_px(float(event[name]) * instrument.tick_size, instrument) for name in ("lo_tick", "hi_tick"))
    return f"{lo} / {hi}"


def _markout(tape, record, seconds):
    """Mid `seconds` after the fill minus our price, in our favour; NaN beyond the tape."""
    at = int(record["ts_ns"]) + seconds * 10**9
    if at > tape.events["ts"][-1]:
        return float("nan")
    event = _last_quote(tape, np.searchsorted(tape.events["ts"], at, side="right"), record["instrument"])
    if event is None:
        return float("nan")
    mid = 0.5 * (event["lo_tick"] + event["hi_tick"]) * tape.instruments[record["instrument"]].tick_size
    return float(record["side"] * (mid - record["px"]))


def _px(value, instrument):
    digits = max(0, -int(np.floor(np.log10(instrument.tick_size) + 1e-9)))
    return f"{float(value):.{digits}f}"


def _time(ns):
    return str(np.datetime64(int(ns), "ns"))
