"""Quality of a session, measured on the events that were kept; and what is refused."""

import math
import types
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from tfmm import arrays, jit
from tfmm.market import faults, schema
from tfmm.market.ingest import sides

SPREADS = 4096  # widest spread, in ticks, that is counted by itself
BINS = 240  # of the time axis of plots
_SAMPLE_EVENTS = 1_000_000
_GAPS_KEPT = 20
_MOST_OUTSIDE = 0.5  # share of rows outside of the common span

NOTHING = "no true quote is left"
Report: TypeAlias = dict[str, Any]  # of one instrument and session, as in quality.json

_COUNTERS = ("quotes", "trades", "locked", "buys", "sells", "compared", "agreed", "beyond", "gaps")
_QUOTES, _TRADES, _LOCKED, _BUYS, _SELLS, _COMPARED, _AGREED, _BEYOND, _GAPS = range(len(_COUNTERS))


class _Totals(NamedTuple):
    """What has been counted up to now. last: time of the last event, bid, ask."""

    counts: arrays.Ints  # (len(_COUNTERS),)
    spreads: arrays.Ints  # (SPREADS + 1,) quotes by their spread in ticks
    bins: arrays.Floats  # (BINS, 3) quotes, trades, sum of spreads
    last: arrays.Ints  # (3,)
    gaps: arrays.Ints  # (_GAPS_KEPT, 2) the longest gaps: begin, length


class Meter:
    """Measures one instrument of one session, block by block.

    Args:
        index: of the instrument. span_ns: (first, last) of the session, for the time axis.
        gap_s: a stretch without events that counts as a gap.
    """

    def __init__(self, index: int, span_ns: tuple[int, int], gap_s: float):
        self._index, self._span, self._gap_ns = index, span_ns, round(gap_s * 1e9)
        self._totals = _Totals(
            np.zeros(len(_COUNTERS), np.int64),
            np.zeros(SPREADS + 1, np.int64),
            np.zeros((BINS, 3)),
            np.zeros(3, np.int64),
            np.zeros((_GAPS_KEPT, 2), np.int64),
        )
        self._first_ns = 0
        self._sample: list[arrays.Records] = []
        self._sampled = 0

    def add(self, events: arrays.Records) -> None:
        """events: (K,) schema.EVENT of all instruments, in order."""
        chosen = events["instrument"] == self._index
        events = events if chosen.all() else events[chosen]
        if not len(events):
            return
        self._first_ns = self._first_ns or int(events["ts"][0])
        _measure(events, self._gap_ns, self._span[0], max(1, self._span[1] - self._span[0]), self._totals)
        if self._sampled < _SAMPLE_EVENTS:
            self._sample.append(events[: _SAMPLE_EVENTS - self._sampled])
            self._sampled += len(self._sample[-1])

    def report(self, cut: Mapping[str, Any] = types.MappingProxyType({})) -> Report:
        """What was found, as a dict of plain values; NaN where there is no data.

        Args:
            cut: periods.facts of the session: its breaks are neither gaps nor hours of it.
        """
        counts = dict(zip(_COUNTERS, self._totals.counts.tolist(), strict=True))
        # without a side nothing is compared
        sample = np.concatenate(self._sample) if counts["buys"] + counts["sells"] else np.empty(0, schema.EVENT)
        by_lag = sides.agreement_by_lag(sample, sides.LAGS_MS)
        closed = [(one["begin_ns"], one["begin_ns"] + round(one["length_s"] * 1e9)) for one in cut.get("breaks", ())]
        found = [(int(begin), int(length)) for begin, length in self._totals.gaps if length]
        open_ns = [length - _overlap(begin, begin + length, closed) for begin, length in found]
        gaps = sorted(
            ((begin, length) for (begin, _), length in zip(found, open_ns, strict=True) if length > 0),
            reverse=True,
            key=lambda gap: gap[1],
        )
        counts["gaps"] -= sum(length > self._gap_ns >= rest for (_, length), rest in zip(found, open_ns, strict=True))
        last_ns = int(self._totals.last[0])
        span_ns = last_ns - self._first_ns - _overlap(self._first_ns, last_ns, closed)
        return {
            "quotes_kept": counts["quotes"],
            "trades_kept": counts["trades"],
            "span_s": span_ns * 1e-9 if self._first_ns else math.nan,
            "gaps": counts["gaps"],
            "longest_gap_s": gaps[0][1] * 1e-9 if gaps else math.nan,
            "longest_gaps": [{"begin_ns": begin, "length_s": length * 1e-9} for begin, length in gaps],
            "locked": counts["locked"],
            "median_spread_tick": _median(self._totals.spreads),
            "buys": counts["buys"],
            "sells": counts["sells"],
            "side_agreement": _ratio(counts["agreed"], counts["compared"]),
            "side_agreement_by_lag": [{"lag_ms": lag, "agreement": share} for lag, share in by_lag],
            "clock_skew_ms": sides.skew_ms(by_lag),
            "prints_beyond_best": _ratio(counts["beyond"], counts["trades"]),
            "spread_histogram": _histogram(self._totals.spreads),
            "timeline": {
                "begin_ns": self._span[0],
                "bin_s": (self._span[1] - self._span[0]) * 1e-9 / BINS,
                "quotes": self._totals.bins[:, 0].astype(int).tolist(),
                "trades": self._totals.bins[:, 1].astype(int).tolist(),
                "mean_spread_tick": _means(self._totals.bins),
            },
        }


def verdict(one: Report, limit: float) -> list[str]:
    """Why a session of an instrument should be refused: a list of sentences, empty where it is good.

    Args:
        one: its report with rows_read, dropped, malformed and no_time. limit: largest share of bad rows.
    """
    reasons = []
    bad = {reason: count for reason, count in one["dropped"].items() if not reason.endswith(faults.NOT_BAD)}
    bad |= {name: one[name] for name in ("malformed", "no_time") if one[name]}
    total = max(1, one["rows_read"])
    unsized = 2 * one["unsized"] > one["quotes_read"] and bool(bad.get("quotes_no_size"))
    if sum(bad.values()) > limit * total:
        listed = ", ".join(f"{reason} {count / total:.2%}" for reason, count in sorted(bad.items(), key=_by_count))
        reasons.append(f"{sum(bad.values()) / total:.2%} bad rows ({listed})")
        if unsized:
            reasons.append(
                "quotes have no sizes: --assume-size SIZE gives all of them one, --allow one lot, for client flow"
            )
        if bad.get("quotes_off_grid"):
            reasons.append(f"price {one['off_grid_px']!r} is not a multiple of the tick size {one['tick_size']:g}")
    if one["not_positive"]:
        reasons.append(
            f"prices are zero or negative in {one['not_positive']} quotes from {utc(one['not_positive_ns'])} on (bid "
            f"{one['not_positive_px']!r} first): not supported, the market would be unknown while they last"
        )
    if one["far"]:
        reasons.append(
            f"price {one['far_px']!r} at {utc(one['far_ns'])} is more than {faults.OUTLIER:g} times from the "
            f"session's median, and {one['far']} quotes are: a crash or another unit, kept with --allow"
        )
    outside = sum(count for reason, count in one["dropped"].items() if reason.endswith(faults.REASONS[faults.OUTSIDE]))
    if outside > max(limit, _MOST_OUTSIDE) * total:
        reasons.append(f"{outside / total:.0%} of its rows lie outside the time in which all instruments have quotes")
    if one["out_of_order"] > limit * total and not one["numbered"]:
        reasons.append(f"{one['out_of_order'] / total:.2%} of rows out of order")
    reasons += one["time_faults"]
    if not one["quotes_kept"] and not unsized:
        reasons.append(NOTHING)
    if not one["trades_kept"] and one["trades_read"]:
        reasons.append(f"no trades (none of the {one['trades_read']} that were read is left)")
    elif not one["trades_kept"] and one["trades_elsewhere"]:
        reasons.append("no trades, but other sessions have some (add the files of its trades)")
    if min(one["buys"], one["sells"]) == 0 and max(one["buys"], one["sells"]) >= sides.ENOUGH_TRADES:
        reasons.append(f"all {one['buys'] + one['sells']} trades are on one side")
    if contrary := sides.contradiction(curve(one), one["buys"] + one["sells"]):
        reasons.append(contrary)
    return reasons


def curve(one: Report) -> sides.Curve:
    """Agreement of the sides by lag, of a report."""
    return [(point["lag_ms"], point["agreement"]) for point in one["side_agreement_by_lag"]]


def _overlap(begin, end, stretches):
    """Time of [begin, end] that lies in stretches (begin, end), ns."""
    return sum(max(0, min(end, last) - max(begin, first)) for first, last in stretches)


def utc(ns: int) -> str:
    """A time as text, to the millisecond."""
    return str(np.datetime64(int(ns), "ns").astype("datetime64[ms]"))


def _by_count(item):
    return -item[1]


def _median(histogram):
    total = histogram.sum()
    return float(np.searchsorted(np.cumsum(histogram), (total + 1) // 2)) if total else math.nan


def _histogram(counts):
    used = np.flatnonzero(counts)
    return {"ticks": used.tolist(), "quotes": counts[used].tolist(), "last_is_at_least": SPREADS}


def _means(bins):
    return [float(total / count) if count else math.nan for count, _, total in bins]


def _ratio(part, whole):
    return part / whole if whole else math.nan


@jit.kernel
def _measure(events, gap_ns, begin_ns, length_ns, totals):
    counts, spreads, bins, last, gaps = totals
    for k in range(len(events)):
        event = events[k]
        waited = event.ts - last[0]
        if last[0] and waited > gap_ns:
            counts[_GAPS] += 1
        if last[0] and waited > gaps[:, 1].min():
            shortest = gaps[:, 1].argmin()
            gaps[shortest, 0], gaps[shortest, 1] = last[0], waited
        last[0] = event.ts
        k_bin = min(max(np.int64((event.ts - begin_ns) / length_ns * len(bins)), 0), len(bins) - 1)
        if event.kind == schema.QUOTE:
            spread = event.hi_tick - event.lo_tick
            counts[_QUOTES] += 1
            counts[_LOCKED] += spread == 0
            spreads[min(spread, len(spreads) - 1)] += 1
            bins[k_bin, 0] += 1
            bins[k_bin, 2] += spread
            last[1], last[2] = event.lo_tick, event.hi_tick
            continue
        if event.kind != schema.TRADE:
            last[1] = 0
            continue
        counts[_TRADES] += 1
        bins[k_bin, 1] += 1
        counts[_BUYS] += event.side > 0
        counts[_SELLS] += event.side < 0
        if last[1]:
            counts[_BEYOND] += event.lo_tick < last[1] or event.hi_tick > last[2]
            above = event.lo_tick + event.hi_tick - last[1] - last[2]
            if event.side and above:
                counts[_COMPARED] += 1
                counts[_AGREED] += (above > 0) == (event.side > 0)
