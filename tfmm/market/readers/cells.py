"""Numbers as people and spreadsheets write them: thousands separators, currency signs, decimal commas."""

import re
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tfmm import arrays
from tfmm.market.readers import layout

MISSING = ("", "NULL", "null", "NaN", "nan", "NA", "None")
PADDING = " \t\r\0\"'\u00a0\u202f\ufeff"
_SIGNS = "[$\u20ac\u00a3\u00a5\u20bd\u20b9\u20a9]"  # dollar, euro, pound, yen, rouble, rupee, won
_SPACE_GROUPS = "[ \u00a0\u202f']"


class Style(NamedTuple):
    """How a file writes numbers. point: the decimal mark. grouped: the other mark is known to part thousands."""

    point: str = "."
    grouped: bool = False

    @property
    def group(self) -> str:
        """The mark that parts thousands."""
        return "," if self.point == "." else "."


PLAIN = Style()


class Wrong:
    """Cells of a column that could not be read. kind: of layout. text, place, block: of the first one."""

    def __init__(self, kind: str, text: str, place: str, block: int, count: int):
        self.kind, self.text, self.place, self.block, self.count = kind, text, place, block, count

    def sentence(self, rows: int) -> str:
        """How many they are and which is the first. rows: of the file."""
        what = "a time between 1990 and 2100" if self.count == 1 else "times between 1990 and 2100"
        if self.kind != layout.TIME:
            what = "a number" if self.count == 1 else "numbers"
        verb = "is not" if self.count == 1 else "are no"
        return f"{self.count} of {rows} cells {verb} {what}, the first is {self.text!r} in {self.place}"

    def wanted(self) -> str:
        """What should stand in the column."""
        if self.kind == layout.TIME:
            return "wanted whole numbers of s, ms, us or ns since 1970, or times like 2024-01-31T09:30:00.123Z"
        text = self.text.strip(PADDING)
        if re.fullmatch(r"[+-]?\d{1,3}([.,]\d{3})+", text):
            return f"wanted numbers like 1234.05: the {re.sub('[0-9+-]', '', text)[0]!r} may be a decimal mark or not"
        return "wanted numbers like 1234.05"


def style(texts: Iterable[str], separator: str) -> Style:
    """The Style of a file, from cells of all its columns of numbers.

    A comma before exactly three digits, as in 4,913, may be either mark: it is a decimal comma where other cells
    show it, or where a file that is not separated by commas has larger numbers without any mark.
    """
    bare = [re.sub(_SIGNS, "", text.strip(PADDING)).lstrip("+-").strip() for text in texts]
    bare = [re.sub(rf"(?<=\d){_SPACE_GROUPS}(?=\d{{3}}(?!\d))", "", text) for text in bare]

    def shown(pattern):
        return any(re.fullmatch(pattern, text) for text in bare)

    dot = shown(r"\d{4,}\.\d+|0?\.\d+|\d+\.\d{1,2}|\d+\.\d{4,}|0\.\d+|\d{1,3}(,\d{3})+\.\d*|\d{1,3}(,\d{3}){2,}")
    comma = shown(r"\d{4,},\d+|0?,\d+|\d+,\d{1,2}|\d+,\d{4,}|0,\d+|\d{1,3}(\.\d{3})+,\d*|\d{1,3}(\.\d{3}){2,}")
    if not dot and not comma and separator != ",":
        comma = shown(r"\d+,\d+") and shown(r"\d{4,}")
    if comma and not dot:
        return Style(",", shown(r"\d{1,3}(\.\d{3})+,\d*|\d{1,3}(\.\d{3}){2,}"))
    return Style(".", shown(r"\d{1,3}(,\d{3})+\.\d*|\d{1,3}(,\d{3}){2,}"))


def numbers(column: pa.Array, how: Style = PLAIN) -> tuple[arrays.Floats, arrays.Bools]:
    """((K,) float64, (K,) bool: cells that are no numbers) of a column of texts; NaN where there is no number.

    1,234.05 and $1234.05 are read; 1,234 only where the file or the column shows that its commas part thousands.
    """
    texts = pc.utf8_trim(pc.fill_null(pc.cast(column, pa.string()), ""), characters=PADDING)
    empty = pc.is_in(texts, pa.array(MISSING)).to_numpy(zero_copy_only=False)
    values = _floats(texts)
    if how.point == "," or (np.isnan(values) & ~empty).any():
        values = _floats(_plain(texts, how))
    return values, np.isnan(values) & ~empty


def _plain(texts, how):
    """The texts without what spreadsheets add to a number."""
    point, group = re.escape(how.point), re.escape(how.group)
    texts = pc.replace_substring_regex(texts, rf"^([+-]?)\s*{_SIGNS}\s*|\s*{_SIGNS}$", r"\1")
    whole = rf"^[+-]?\d{{1,3}}(?:{group}\d{{3}})"
    surely = rf"{whole}+{point}\d*$|{whole}{{2,}}$"
    grouped = how.grouped or pc.any(pc.match_substring_regex(texts, surely)).as_py()
    pattern = rf"{whole}+(?:{point}\d*)?$" if grouped else surely
    texts = _where(texts, pattern, pc.replace_substring(texts, how.group, ""))
    spaced = rf"^[+-]?\d{{1,3}}(?:{_SPACE_GROUPS}\d{{3}})+(?:{point}\d*)?$"
    texts = _where(texts, spaced, pc.replace_substring_regex(texts, _SPACE_GROUPS, ""))
    if how.point == ",":
        # what still has a dot is no number with a decimal comma
        texts = _where(texts, r"\.", pa.scalar("?"))
        texts = pc.replace_substring(texts, ",", ".")
    return texts


def _where(texts, pattern, changed):
    return pc.if_else(pc.match_substring_regex(texts, pattern), changed, texts)


def _floats(texts):
    return pd.to_numeric(pd.Series(texts.to_pylist(), dtype=object), errors="coerce").to_numpy(np.float64)
