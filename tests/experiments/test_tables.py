"""Means over seeds, grids and their plots."""

import math

import numpy as np
import pytest

from tfmm import errors
from tfmm.experiments import tables


def _evaluation(value, verdict, difference):
    results = {"ddpg": {"pnl": value, "markout": {"1": None, "5": 2 * value}}, "none": {"pnl": 0.0}}
    near = {"ci_low": difference - 0.3, "ci_high": difference + 0.3}
    comparison = [
        {"baseline": "none", "mean_difference": difference, **near},
        {"baseline": "other", "mean_difference": 1.0, "ci_low": None, "ci_high": None},
    ]
    return {"policy": {"name": "ddpg"}, "results": results, "comparison": comparison, "verdict": verdict}


def test_moments_verdicts_and_the_share_that_beats_every_baseline():
    runs = [_evaluation(1.0, "better", 0.5), _evaluation(2.0, "better", -0.1), _evaluation(6.0, "worse", 2.0)]
    got = tables.over_seeds(runs)
    # mean 3, squares 4 + 1 + 9 over 2
    assert got["results"]["ddpg"]["pnl"] == {"mean": 3.0, "std": pytest.approx(math.sqrt(7.0)), "n": 3}
    assert got["results"]["ddpg"]["markout.5"]["mean"] == 6.0
    assert got["results"]["ddpg"]["markout.1"]["n"] == 0
    assert math.isnan(got["results"]["ddpg"]["markout.1"]["mean"])
    assert got["verdicts"] == {"better": 2, "worse": 1}
    assert got["beats_best_baseline"] == pytest.approx(2 / 3)
    lines = tables.seeds_table(got)
    against = [line.split()[8:] + line.split()[:2] for line in tables.against_table(got)[1:]]
    no = ["0", "of", "3"]
    assert against == [[*no, *no, "none", "0.8"], [*no, *no, "other", "1"]]
    assert tables.against_table(got)[1].split()[2:8] == ["2", "of", "3", "2", "of", "3"]
    assert tables.against_table(got)[2].split()[2:8] == ["3", "of", "3", "0", "of", "3"]
    assert lines[0].split() == ["metric", "ddpg", "none"]
    assert lines[1].split() == ["pnl", "3", "+-", "2.6", "0", "+-", "0"]
    assert lines[2].split() == ["markout.1", "-"]


def test_ties_are_counted_by_themselves():
    tie = _evaluation(1.0, "tie", 0.0)
    tie["comparison"][0] |= {"ci_low": 0.0, "ci_high": 0.0}
    got = tables.over_seeds([tie, tie, _evaluation(1.0, "inconclusive", 0.0)])
    assert got["verdicts"] == {"inconclusive": 1, "tie": 2}
    # above 0, significantly above, significantly below, tie
    assert tables.against_table(got)[1].split()[2:] == ["0", "of", "3", "0", "of", "3", "0", "of", "3", "2", "of", "3"]


def test_one_seed_has_no_spread():
    got = tables.over_seeds([_evaluation(1.0, "better", 0.5)])
    assert math.isnan(got["results"]["ddpg"]["pnl"]["std"])
    assert tables.seeds_table(got)[1].split() == ["pnl", "1", "0"]


def test_settings_one_at_a_time():
    tried = tables.one_at_a_time({"x": ["1", "2"], "y": ["3"]})
    assert tried == [{}, {"x": "1"}, {"x": "2"}, {"y": "3"}]
    lines = tables.ablation_table(tried, [2.0, 3.5, 2.0, float("nan")])
    assert [line.split()[-1] for line in lines[1:]] == ["+0", "+1.5", "+0", "+nan"]


def test_grids_keep_lists_whole_and_fill_their_table_in_order():
    grid = tables.parse_grid(["a.b=1,2", "agent.layers=[64, 64],[8]"])
    assert grid == {"a.b": ["1", "2"], "agent.layers": ["[64, 64]", "[8]"]}
    lines = tables.grid_table({"x": ["1", "2"], "y": ["3", "4"]}, [1.0, 2.0, 3.0, float("nan")])
    assert [line.split() for line in lines] == [["x", "y=3", "y=4"], ["1", "1", "2"], ["2", "3", "-"]]


@pytest.mark.parametrize("text", ["seed", "seed=", "seed=1,,2", "=1,2", "seed=1,1"])
def test_wrong_grids_are_refused(text):
    with pytest.raises(errors.ConfigError, match="--grid"):
        tables.parse_grid([text])


def test_a_surface_shows_every_finite_value_where_its_settings_are():
    grid = {"rate": ["0.001", "0.01", "0.1"], "steps": ["256", "512"]}
    values = [1.0, 2.0, 3.0, 4.0, 5.0, float("nan")]
    (ax,) = tables.surface(grid, values, "reward").axes
    x, y, z = (np.ma.getdata(one) for one in ax.collections[-1]._offsets3d)
    shown = {(round(float(a), 6), float(b), float(c)) for a, b, c in zip(x, y, z, strict=True) if c == c}
    assert shown >= {(-3.0, 256.0, 1.0), (-3.0, 512.0, 2.0), (-2.0, 256.0, 3.0), (-1.0, 256.0, 5.0)}
    assert ax.get_zlabel() == "reward"
    # -.1 and -1000 are four decades apart: they stand at 1 and -3, the better one above
    (ax,) = tables.surface(grid, [-0.1, -1.0, -1000.0, -1.0, -1.0, -1.0], "reward").axes
    z = np.ma.getdata(ax.collections[-1]._offsets3d[2])
    assert sorted(z.tolist()) == pytest.approx([-3.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    assert dict(zip(ax.get_zticks(), [one.get_text() for one in ax.get_zticklabels()], strict=True))[-3.0] == "-1000"
    (line,) = tables.surface({"name": ["ddpg", "td3"]}, [1.0, 2.0], "reward").axes[0].lines
    assert (line.get_xdata().tolist(), line.get_ydata().tolist()) == ([0.0, 1.0], [1.0, 2.0])
    assert tables.surface({"a": ["1"], "b": ["1"], "c": ["1"]}, [1.0], "reward") is None
