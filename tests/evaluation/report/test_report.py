"""What an evaluation writes: metrics.json, figures and one self-contained page."""

import csv
import html.parser
import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tfmm import simulation
from tfmm.backtest import record
from tfmm.config import evaluation
from tfmm.evaluation import comparison
from tfmm.evaluation.metrics import definitions, summary
from tfmm.evaluation.report import behaviour, chart, figures, fill_log, film, report
from tfmm.market import schema, tape
from tfmm.simulation.exchange import replay as replay_lib

S = 10**9
START = 1704531630121242125  # ns since 1970, above 2**53: float64 skips numbers here
LIMITS = np.array([5.0])
MONEY = (np.array([0.01]), LIMITS, evaluation.Evaluation(sampling_s=10.0))


@pytest.fixture(scope="module")
def backtest():
    """Two minutes of a market that swings by a tick each second, quoted around 100."""
    rng = np.random.default_rng(0)
    ts = START + np.arange(120) * S
    mid = 100 + np.cumsum(rng.integers(-1, 2, 120))
    quotes = pd.DataFrame({"ts": ts, "bid": mid - 1.0, "bid_size": 1.0, "ask": mid + 1.0, "ask_size": 1.0})
    side = rng.choice([-1, 1], 120).astype(np.int8)
    trades = pd.DataFrame({"ts": ts + S // 2, "price": mid + 2.0 * side, "size": 1.0, "side": side})
    market = tape.Tape.from_frames(quotes, trades, schema.Instrument(symbol="X", tick_size=1.0))
    sent = np.zeros(120, replay_lib.SCHEDULE)
    sent["ts_ns"], sent["bid_px"], sent["ask_px"] = ts, mid - 1.0, mid + 1.0
    sent["bid_qty"] = sent["ask_qty"] = 1.0
    fills = simulation.replay(market, sent, simulation.FillRules(maker_fee_bps=1.0, inventory_limit=5.0)).fills
    taken = rng.uniform(-1, 1, (120, 2)).astype(np.float32)
    return record.Backtest("monday", market, (START, START + 120 * S), sent, fills, taken)


def evaluation_of(backtest, differences=None, **changes):
    differences = np.linspace(-1, 3, 12) if differences is None else differences
    entry = comparison.compare("ddpg", "none", differences, 100, 0)
    values = {
        "policy": {"name": "ddpg"},
        "data": {
            "split": "test",
            "segments": [{"session": "monday", "decisions": 120, "span_s": 120.0, "events": 240}],
        },
        "rules": {"touch": "never", "block_s": 60.0, "baselines": {"none": {}}},
        "breakdown": {name: summary.breakdown([backtest], *MONEY) for name in ("ddpg", "none")},
        "tables": {"markouts": behaviour.markout_curve([backtest])},
        "film": None,
        "chart": chart.payload([backtest]),
        "quality": ([["session", "rows"], ["monday", "240"]], ["nothing stands out"]),
        "results": {"ddpg": _metrics(backtest), "none": _metrics(backtest) | {"sharpe": float("nan")}},
        "comparison": [entry],
        "verdict": comparison.verdict([entry], "none"),
        "best_baseline": "none",
        "name": "ddpg",
        "currency": "USD",
        "fills": fill_log.columns([backtest]),
        "figures": {
            "equity": ("Equity", "", figures.equity({"ddpg": [backtest], "none": [backtest]}, "ddpg", "USD")),
            "inventory": ("Inventory", "what is held", figures.inventory([backtest], LIMITS)),
            "quotes": ("Quotes", "", figures.quotes(backtest)),
            "actions": ("Actions", "", figures.actions(backtest.actions, ("skew", "half_spread"))),
        },
        "config_text": "seed = 0\n",
        "command": "python pipelines/evaluate.py RUN",
    }
    return report.TapeEvaluation(**(values | changes))


def _metrics(one):
    return summary.assess([one], *MONEY)


class Page(html.parser.HTMLParser):
    """Addresses and texts of a page."""

    def __init__(self, text):
        super().__init__()
        self.addresses, self.texts, self.tags, self.names, self.styled = [], [], [], set(), False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.styled = tag in ("style", "title", "script")
        self.names |= {value for name, value in attrs if name == "id"}
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        self.styled = False

    def handle_data(self, data):
        if data.strip() and not self.styled:
            self.texts.append(data.strip())


def test_everything_is_written_and_the_page_needs_no_other_file(tmp_path, backtest):
    one = evaluation_of(backtest)
    path = report.write(tmp_path, one, figures.png)
    stems = ["actions", "equity", "inventory", "quotes"]
    assert sorted(file.stem for file in (tmp_path / "figures").glob("*.png")) == stems
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in (tmp_path / "figures").glob("*.png"))
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "comparison.csv", "figures", "fills.parquet", "metrics.json", "report.html", "results.csv",
    ]  # fmt: skip
    page = Page(path.read_text())
    pictures = [address for address in page.addresses if not address.startswith("#")]
    assert len(pictures) == 4
    assert all(address.startswith("data:image/png;base64,") for address in pictures)
    assert {address[1:] for address in page.addresses} - page.names == {one[1:] for one in pictures}
    assert not {"link", "iframe"} & set(page.tags)
    text = path.read_text()
    assert "@import" not in text and "url(" not in text and "http" not in text
    # every number of the page is in the table too
    rows = {row["metric"]: row for row in csv.DictReader((tmp_path / "results.csv").read_text().splitlines())}
    assert float(rows["net_pnl"]["ddpg"]) == one.results["ddpg"]["net_pnl"]
    assert rows["sharpe"]["none"] == "" and rows["markout_5s"]["unit"] == "bps"


def test_the_first_line_is_the_verdict(tmp_path, backtest):
    one = evaluation_of(backtest)
    page = Page(report.write(tmp_path, one, figures.png).read_text())
    assert page.texts[0] == one.headline
    assert one.headline.startswith(f"{one.verdict}: ddpg against none")
    assert "python pipelines/evaluate.py RUN" in page.texts
    assert "seed = 0" in page.texts


def test_metrics_json_has_the_contract_and_null_where_there_is_no_number(tmp_path, backtest):
    one = evaluation_of(backtest)
    report.write(tmp_path, one, figures.png)
    text = (tmp_path / "metrics.json").read_text()
    tree = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert list(tree) == ["policy", "data", "rules", "results", "breakdown", "comparison", "verdict"]
    assert tree["results"]["none"]["sharpe"] is None
    assert tree["results"]["ddpg"]["net_pnl"] == one.results["ddpg"]["net_pnl"]
    assert tree["verdict"] == one.verdict


def test_a_metric_that_only_some_parts_and_policies_have_is_shown_where_it_exists(tmp_path, backtest):
    """The adjusted objective is known by session, not by instrument; a rival with other rules has none at all."""
    results = {"ddpg": _metrics(backtest) | {"adjusted_objective": 765.43}, "none": _metrics(backtest)}
    days = {"monday": _metrics(backtest) | {"adjusted_objective": 321.98}, "tuesday": _metrics(backtest)}
    parts = {"sessions": days, "instruments": {"X": _metrics(backtest), "Y": _metrics(backtest)}}
    one = evaluation_of(backtest, results=results, breakdown=dict.fromkeys(results, parts))
    text = report.write(tmp_path, one, figures.png).read_text()
    assert text.count("765.43") == 1 and text.count("321.98") == 2  # the same by session for both policies
    label = definitions.ADJUSTED.label
    instruments = text.split("By instrument</summary>")[1].split("</details>")[0]
    assert instruments.count(label) == 1 and f"Known for all instruments together only: {label}." in instruments
    assert "together only" not in text.split("By session</summary>")[1].split("</details>")[0]
    rows = {row["metric"]: row for row in csv.DictReader((tmp_path / "results.csv").read_text().splitlines())}
    assert (rows["adjusted_objective"]["ddpg"], rows["adjusted_objective"]["none"]) == ("765.43", "")


def test_the_same_evaluation_gives_the_same_bytes(tmp_path, backtest):
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        report.write(folder, evaluation_of(backtest), figures.png)
    for file in sorted(first.rglob("*")):
        if file.is_file():
            assert file.read_bytes() == (second / file.relative_to(first)).read_bytes(), file.name


def test_names_cannot_break_the_page(tmp_path, backtest):
    one = evaluation_of(backtest, config_text="x = '</pre><script>alert(1)</script>'", command="a & b <c>")
    page = Page(report.write(tmp_path, one, figures.png).read_text())
    assert page.tags.count("script") == 2 and "c" not in page.tags
    assert "a & b <c>" in page.texts


def test_a_tie_is_said_in_the_headline(backtest):
    one = evaluation_of(backtest, differences=np.zeros(30))
    assert one.headline == "tie: ddpg against none, the best baseline: the same objective in each of 30 blocks"


@pytest.mark.parametrize("count", [0, 3])
def test_too_few_blocks_are_said_in_the_headline(backtest, count):
    headline = evaluation_of(backtest, differences=np.ones(count)).headline
    assert f"only {count} blocks, too few for an interval" in headline
    assert "nan" not in headline


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (1234.5678, "money", "1,234.57"),
        (153912754.2, "money", "153,912,754"),
        (0.1234, "share", "12.34%"),
        (12345, "count", "12,345"),
        (829512.3, "number", "829,512"),
        (0.000123456, "number", "0.0001235"),
        (float("nan"), "money", "-"),
        (None, "number", "-"),
    ],
)
def test_numbers_are_shown(value, kind, text):
    assert report.shown(value, kind) == text


def test_equity_starts_at_nothing_and_ends_at_the_result(backtest):
    top = figures.equity({"ddpg": [backtest]}, "ddpg", "USD").axes[0]
    lines = {line.get_label(): line.get_ydata() for line in top.lines}
    for label, result in (("ddpg, net", "net_pnl"), ("ddpg, before fees", "gross_pnl")):
        assert lines[label][0] == 0.0
        assert lines[label][-1] == pytest.approx(_metrics(backtest)[result], rel=1e-12)


def test_every_policy_is_drawn(backtest):
    # the policy and the six baselines of DESIGN section 8
    names = ("ddpg", "none", "fixed_spread", "linear_skew", "avellaneda_stoikov", "glft", "bellman")
    top = figures.equity({key: [backtest] for key in names}, "ddpg", "USD").axes[0]
    drawn = {line.get_label(): line.get_color() for line in top.lines if line.get_label().endswith(", net")}
    assert sorted(drawn) == sorted(f"{name}, net" for name in names)
    assert len(set(drawn.values())) == len(names)


def test_fills_are_marked_at_their_price(backtest):
    axes = figures.quotes(backtest).axes[0]
    marked = {line.get_label(): line.get_ydata() for line in axes.lines}
    for label, side in (("we bought", 1), ("we sold", -1)):
        assert len(marked[label]) > 5
        assert set(marked[label]) <= set(backtest.fills["px"][backtest.fills["side"] == side])


def test_the_share_of_actions_at_the_bounds_is_in_the_title():
    # skew: 1 of 4 at a bound; half_spread: 2 of 4
    values = np.array([[0.0, 1.0], [1.0, -1.0], [0.2, 0.5], [-0.5, 0.0]], np.float32)
    titles = [ax.get_title() for ax in figures.actions(values, ("skew", "half_spread")).axes]
    assert titles == ["skew\n25.0% at the bounds", "half_spread\n50.0% at the bounds"]


def test_learning_curves_need_records():
    assert figures.learning([]) is None
    records = [{"step": 1, "train/critic_loss": 2.0}, {"step": 2, "train/critic_loss": 1.0}]
    (axes,) = figures.learning(records).axes
    assert axes.lines[0].get_ydata().tolist() == [2.0, 1.0]


def test_several_sessions_join_without_the_time_between_them(backtest):
    """The second of two equal days begins where the first ended; its trough is as deep, a day's largest drawdown."""
    top, middle, _ = figures.equity({"ddpg": [backtest, backtest]}, "ddpg", "USD").axes
    (net,) = [line for line in top.lines if line.get_label() == "ddpg, net"]
    assert net.get_xdata()[[0, -1]] == pytest.approx([0.0, 240 / 3600])
    assert net.get_ydata()[-1] == pytest.approx(2 * _metrics(backtest)["net_pnl"], rel=1e-12)
    lowest = min(vertices[:, 1].min() for one in middle.collections for vertices in [one.get_paths()[0].vertices])
    assert -lowest == pytest.approx(_metrics(backtest)["max_drawdown"], rel=1e-12)


def test_a_film_shows_the_decisions_with_most_fills_and_comes_out_the_same_twice(backtest):
    data = film.gif(backtest, frames=4)
    assert data == film.gif(backtest, frames=4)
    picture = Image.open(io.BytesIO(data))
    assert (picture.format, picture.n_frames) == ("GIF", 4)
    start, stop = figures.densest(backtest, 0, 4)
    sent, filled = backtest.schedule["ts_ns"], backtest.fills["ts_ns"]
    inside = [int(((filled >= sent[k]) & (filled < sent[k + 4])).sum()) for k in range(len(sent) - 4)]
    assert stop == start + 4 and inside[start] == max(inside) > 1
