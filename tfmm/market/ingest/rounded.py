"""Times that were rounded before they came here, as by a spreadsheet: many rows share few times."""

from tfmm import arrays, jit

LAST, TIMES, GRID = range(3)  # of the state: the last time, how many times there are, their grid in ns
_FINE_NS = 2 * 10**9  # a grid below it, as of feeds with whole seconds, is no fault
_COARSE_NS = 5 * 10**9
_MINUTE_NS = 60 * 10**9
_SHARED, _SHARED_MINUTES, _SHARED_BY_MANY = 1.5, 1.02, 20  # rows of one time, on average: snapshots and bars have one
_GRID_TIMES = 12  # fewer times may lie on a grid by chance
_QUOTES, _TRADES = 50, 200  # fewer rows may be bursts, which quotes are less than trades
_OF_ONE_TIME = {True: 10, False: 100}


@jit.kernel
def note(rows: arrays.Records, state: arrays.Ints) -> None:
    """Adds (K,) raw.RAW, in order, to a (3,) int64 state of zeros at first."""
    for k in range(len(rows)):
        ts = rows[k].ts
        step = abs(ts - state[LAST])
        if state[TIMES] == 0:
            state[TIMES] = 1
        elif step:
            state[TIMES] += 1
            if state[GRID] == 0 or state[GRID] >= _FINE_NS:
                one, two = state[GRID], step
                while two:
                    one, two = two, one % two
                state[GRID] = one
        state[LAST] = ts


def fault(rows: int, state: arrays.Ints, span_ns: int, quotes: bool) -> str:
    """What is wrong with the times of a number of rows; empty where they may be true.

    Args:
        state: of `note`. span_ns: from the first to the last time. quotes: whether the rows are quotes, or have some.
    """
    times, grid_ns = int(state[TIMES]), int(state[GRID])
    wanted = "wanted them as they were recorded (a spreadsheet rounds them)"
    enough = rows >= (_QUOTES if quotes else _TRADES)
    if times == 1 and rows >= _OF_ONE_TIME[quotes]:
        return f"all {rows} rows have the same time, {wanted}"
    shared = _SHARED if grid_ns % _MINUTE_NS else _SHARED_MINUTES
    if enough and times >= _GRID_TIMES and rows >= shared * times and grid_ns >= _FINE_NS:
        return f"times are rounded to {grid_ns / 1e9:g} s: {rows} rows have {times} distinct ones, {wanted}"
    if enough and rows >= _SHARED_BY_MANY * times and span_ns >= _COARSE_NS * (times - 1) > 0:
        return f"times are rounded: {rows} rows have {times} distinct ones in {span_ns / 1e9:.0f} s, {wanted}"
    return ""
