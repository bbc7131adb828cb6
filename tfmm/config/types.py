"""What the sections share: their base, annotated types, and how a setting says what it is.

Units that are not SI: `1` has no dimension; `orders` are multiples of an instrument's order size; `spreads` are market
spreads; `distance units` are those of environment.distance_unit.
"""

from typing import Annotated

import msgspec

Positive = Annotated[float, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
ShareAbove0 = Annotated[float, msgspec.Meta(gt=0, le=1)]
ShareBelow1 = Annotated[float, msgspec.Meta(ge=0, lt=1)]
Count = Annotated[int, msgspec.Meta(ge=1)]
CountFrom0 = Annotated[int, msgspec.Meta(ge=0)]
CountFrom2 = Annotated[int, msgspec.Meta(ge=2)]
Layers = tuple[Count, ...]
Matrix = tuple[tuple[float, ...], ...]
Texts = tuple[str, ...]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A section of a configuration; every field has a default."""


def about(description: str, unit: str = "") -> msgspec.Meta:
    """What a setting is, in one sentence, and the unit of a quantity, for config.settings and JSON schemas."""
    return msgspec.Meta(description=description, extra={"unit": unit})
