"""Readers by layout: from the files of a vendor to sessions of tapes.

A layout is a module with `find(folder) -> list[RawSession]` (empty where the folder holds none of its
files) and `load(raw, symbol) -> (quotes, trades)` data frames as `Tape.from_frames` wants them. A new
vendor is one module and one line in LAYOUTS.
"""

from tfmm import errors
from tfmm.market.readers import own

LAYOUTS = {"tfmm": own}


def detect(folder, layout=None):
    """Finds the layout of a folder.

    Args:
        folder: pathlib.Path. layout: a name in LAYOUTS, or None to find out.

    Returns:
        (layout module, its sessions).

    Raises:
        ConfigError: unknown layout. DataError: no such folder, or no file of a known layout in it.
    """
    if layout is not None and layout not in LAYOUTS:
        raise errors.ConfigError(f"--layout {layout}: unknown, wanted one of {', '.join(LAYOUTS)}")
    if not folder.is_dir():
        raise errors.DataError(f"{folder}: no such folder, wanted the folder of the raw files")
    for name in [layout] if layout else LAYOUTS:
        sessions = LAYOUTS[name].find(folder)
        if sessions:
            return LAYOUTS[name], sessions
    raise errors.DataError(
        f"{folder}: no files of a known layout, wanted tob_SYMBOL_DATE.parquet and trade_SYMBOL_DATE.parquet"
    )
