"""Rows that several files hold, as a copy in a subfolder, a .csv beside its .csv.gz, a month beside its days: once."""

import collections
import filecmp
import pathlib
from collections.abc import Sequence

from tfmm import errors
from tfmm.market.ingest import spool
from tfmm.market.readers import naming

Part = tuple[pathlib.Path, spool.Spooled]


def once(spooled: Sequence[Part]) -> tuple[list[Part], list[tuple[str, str]]]:
    """Leaves out what a file repeats of an earlier one: the same rows of an instrument in a session.

    Args:
        spooled: [(folder, Spooled)] in order of name.

    Returns:
        (spooled without repetitions and without files that hold nothing else, [(name of such a file, of the first)]).

    Raises:
        DataError: two files have the same content and names of different instruments or sessions.
    """
    first: dict[tuple[str | int, ...], list[tuple[pathlib.Path, spool.Spooled, spool.Stream]]] = (
        collections.defaultdict(list)
    )
    kept, repeated = [], dict[tuple[str, str], None]()
    for folder, one in spooled:
        streams = []
        for stream in one.streams:
            key = (stream.symbol, stream.contract, stream.session, stream.rows, stream.begin_ns, stream.end_ns)
            path = folder / stream.file
            for file, earlier, known in first[key]:
                venues = {known.venue, stream.venue} - {""}
                if len(venues) < 2 and filecmp.cmp(file, path, shallow=False):
                    known.venue = known.venue or stream.venue
                    repeated[one.name, earlier.name] = None
                    break
            else:
                first[key].append((path, one, stream))
                streams.append(stream)
        if streams or not one.streams:
            one.streams = streams
            kept.append((folder, one))
    _check_names([one for _, one in kept])
    return kept, list(repeated)


def _check_names(spooled):
    known = {}
    for one in spooled:
        if one.streams and (other := known.setdefault(one.sha256, one)) is not one:
            names = [", ".join(sorted({_name(stream) for stream in each.streams})[:2]) for each in (other, one)]
            raise errors.DataError(
                f"{one.path}: has the same content as {other.path}, but they are named {names[1]} and {names[0]}, "
                "wanted every day of an instrument once"
            )


def _name(stream):
    return f"{naming.Name(stream.symbol, stream.venue, stream.contract)} {stream.session}"
