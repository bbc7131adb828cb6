"""The venue's numbers of messages: what came before, what is old, what is missing.

One wrong number must not silence a stream: a leap forward counts once the next message confirms it, and numbers below
the last one begin anew where three messages in a row are newer by their time.
"""

_CONFIRMED = 3
_REMEMBERED = 1000  # numbers of a gap that may still come


class Updates:
    """Numbers that rise, not by one: update ids of quotes. `old`: messages that were not above the last."""

    _leap = 10**9

    def __init__(self) -> None:
        self.last: int | None = None
        self.old = 0
        self._newest_ns = 0
        self._beyond = self._behind = 0

    def is_new(self, number: int, ts: int) -> bool:
        """Whether a message with this number and time (ns) is one to take."""
        above = self.last is None or number > self.last
        if above:
            self._behind = 0
            self._beyond = self._beyond + 1 if self.last is not None and number > self.last + self._leap else 0
            if self._beyond == 1:
                return True
        else:
            self._behind = self._behind + 1 if ts > self._newest_ns else 0
            if self._behind < _CONFIRMED:
                return self._is_late(number)
        self._passed(number, above)
        self.last, self._newest_ns = number, ts
        self._beyond = self._behind = 0
        return True

    def get_state(self) -> tuple[int | None, int, int, int, int]:
        """What `set_state` goes on exactly from."""
        return self.last, self.old, self._newest_ns, self._beyond, self._behind

    def set_state(self, values: tuple[int | None, int, int, int, int]) -> None:
        """values: what `get_state` returned."""
        self.last, self.old, self._newest_ns, self._beyond, self._behind = values

    def _is_late(self, _):
        self.old += 1
        return False

    def _passed(self, number, above):
        """`number` is about to become the last."""


class Numbers(Updates):
    """Numbers that rise by one: ids of trades. gaps: holes. missed: numbers in them that have not come yet."""

    _leap = 10**6

    def __init__(self) -> None:
        super().__init__()
        self.gaps = self.missed = 0
        self._missing: set[int] = set()

    def _is_late(self, number):
        if number in self._missing:
            self._missing.discard(number)
            self.missed -= 1
            return True
        return super()._is_late(number)

    def _passed(self, number, above):
        hole = number - self.last - 1 if above and self.last is not None else 0
        if not above:
            self._missing.clear()
        if hole:
            self.gaps += 1
            self.missed += hole
            self._missing.update(range(number - min(hole, _REMEMBERED), number))
            if len(self._missing) > _REMEMBERED:
                self._missing = set(sorted(self._missing)[-_REMEMBERED:])
