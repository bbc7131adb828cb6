"""docs/data.md: it has every vendor, and its example of a layout works."""

import pathlib
import re

from tfmm.market import readers, schema
from tfmm.market.readers import delimited

PAGE = (pathlib.Path(__file__).resolve().parents[3] / "docs" / "data.md").read_text(encoding="utf-8")


def test_the_table_has_every_vendor():
    named = {name for row in re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)}
    assert set(readers.VENDORS) == named


def test_the_example_of_a_layout_reads_a_file(tmp_path, monkeypatch):
    (text,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    module = {}
    exec(text, module)
    monkeypatch.setattr(readers, "LAYOUTS", (*module["LAYOUTS"], *readers.LAYOUTS))
    path = tmp_path / "quotes_X_20240101.csv"
    path.write_text("time,bid,bidsize,ask,asksize\n1704067200000,1.5,2,1.6,3\n")
    (source,) = readers.find(path).sources
    assert source.layout.name == "example quotes"
    ((symbol, rows),) = delimited.read(source, delimited.Tally())
    assert symbol == "X"
    assert rows[["ts", "lo", "hi", "lo_size", "hi_size", "kind"]].tolist() == [
        (1704067200 * 10**9, 1.5, 1.6, 2.0, 3.0, schema.QUOTE)
    ]
