"""Files whose rows are not of the day that their name says."""

import calendar
import time

_DAY_NS = 86_400 * 10**9


def other_day(session: str, begin_ns: int) -> str:
    """What is said of times that are not of the day of a session's name, but for time zones and nights."""
    try:
        day_ns = calendar.timegm(time.strptime(session.replace("-", ""), "%Y%m%d")) * 10**9
    except ValueError:
        return ""
    if day_ns - 2 * _DAY_NS <= begin_ns <= day_ns + 3 * _DAY_NS:
        return ""
    first = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(begin_ns // 10**9))
    return f"its times begin at {first}, not on the day of its name"
