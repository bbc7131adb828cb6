"""What a session is given where an exchange sends the market: its stream, and fills that a gateway reports."""

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Iterable, Iterator

from tfmm import errors
from tfmm.live import binance, messages, refusals, session as session_lib, websocket

_LOG = logging.getLogger(__name__)


class Source:
    """(where it is, message, time.perf_counter() when it came) of an exchange's stream, until a session is over.

    What is lost or not understood is logged when it happens.
    """

    def __init__(
        self, url: str, session: session_lib.Session, hold_s: float, refuse: refusals.Refusals,
        reports: Iterable[bytes] = (), settings: websocket.Settings | None = None,
    ) -> None:  # fmt: skip
        """
        Args:
            url: see websocket.listen. hold_s: see binance.Feed. refuse: takes what is not understood.
            reports: lines of fills, read in a thread as they come.
        """
        self._url, self._settings, self._refuse = url, settings, refuse
        self._session = session
        self._feed = binance.Feed([one.symbol for one in session.instruments], hold_s)
        self._reports: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
        # a thread that waits for a line cannot be woken, and must not keep the process
        threading.Thread(target=_read, args=(reports, self._reports), daemon=True).start()

    def __iter__(self) -> Iterator[tuple[str, messages.Message, float]]:
        events = websocket.listen(self._url, self._settings)
        with contextlib.closing(events):
            yield from self._of(events)

    def _of(self, events):
        for event in events:
            if isinstance(event, websocket.Lost):
                _LOG.warning("connection lost: %s", event.reason)
            yield from self._reported()
            for message in binance.of_event(event, self._feed, self._refuse):
                yield message
                if self._session.stream.over:
                    return

    def line(self) -> str:
        """What came up to now, in words."""
        counts = self._feed.counts
        parts = [f"{counts.quotes} quotes", f"{counts.trades} trades"]
        parts += [
            f"{count} {words}"
            for count, words in (
                (counts.lost, "connections lost"),
                (counts.missed, f"trades missed in {counts.gaps} gaps"),
                (counts.duplicates, "trades that came twice"),
                (counts.old, "quotes that came late or twice"),
                (counts.before, "trades before the first quote"),
                (self._refuse.count, "messages not understood"),
            )
            if count
        ]
        return f"stream: {', '.join(parts)}"

    def _reported(self):
        while True:
            try:
                number, line = self._reports.get_nowait()
            except queue.Empty:
                return
            where = f"line {number}"
            try:
                message = messages.decode(line, where)
                if not isinstance(message, messages.Fill):
                    raise errors.DataError(f"{where}: the market comes from --ws, wanted fills alone")
            except errors.DataError as error:
                self._refuse(error)
            else:
                yield where, message, time.perf_counter()


def _read(lines, out):
    for number, line in enumerate(lines, 1):
        if line.strip():
            out.put((number, line))
