"""generate.py and prepare.py as a user runs them: stores that hold, one line and exit 2 for wrong files."""

import json
import pathlib
import shutil
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from tfmm.market import store

ROOT = pathlib.Path(__file__).resolve().parents[2]


SECOND = 10**9
NEW_YEAR = 1577836800 * SECOND
QUOTES = pd.DataFrame(
    {
        "ts": [NEW_YEAR + k * SECOND for k in (1, 2, 3)],
        "bid": 1.0,
        "bid_size": 5.0,
        "ask": [1.01, 1.02, 1.02],
        "ask_size": 5.0,
    }
)
TRADES = pd.DataFrame(
    {"ts": [NEW_YEAR + k * SECOND for k in (2, 3)], "price": [1.01, 1.02], "size": [1.0, 2.0], "side": [1, -1]}
)


@pytest.fixture
def raw(tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    QUOTES.to_csv(folder / "tob_X_20200101.csv", index=False)
    TRADES.to_csv(folder / "trade_X_20200101.csv", index=False)
    return folder


def test_generated_files_become_a_store(tmp_path, run_script, start_script):
    done = start_script("generate.py", "--out", tmp_path / "raw", "--days", 2, "--seed", 1, "--hours", 0.02)
    assert done.returncode == 0, done.stderr
    again = run_script("generate.py", "--out", tmp_path / "again", "--days", 2, "--seed", 1, "--hours", 0.02)
    assert again.returncode == 0
    for path in (tmp_path / "raw").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
    done = start_script("prepare.py", tmp_path / "raw", "--store", tmp_path / "store")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    opened = store.Store.open(tmp_path / "store")
    opened.verify()
    assert [one.name for one in opened.sessions] == ["20240102", "20240103"]
    assert (opened.instruments[0].tick_size, opened.instruments[0].lot_size) == (0.01, 1.0)
    quality = json.loads((tmp_path / "store" / "quality.json").read_text())["sessions"]
    assert [one["quotes_kept"] for one in quality] == [one.n_quotes for one in opened.sessions]


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "parquet"])
def test_every_container_gives_the_same_store(raw, tmp_path, suffix, run_script):
    folder = tmp_path / "other"
    folder.mkdir()
    for name, frame in (("tob", QUOTES), ("trade", TRADES)):
        path = folder / f"{name}_X_20200101.{suffix}"
        frame.to_parquet(path) if suffix == "parquet" else frame.to_csv(path, index=False)
    assert run_script("prepare.py", folder, "--store", tmp_path / "one").returncode == 0
    assert run_script("prepare.py", raw, "--store", tmp_path / "two").returncode == 0
    assert store.Store.open(tmp_path / "one").data_hash == store.Store.open(tmp_path / "two").data_hash


def _frame(frame):
    return lambda raw: frame.to_csv(raw / "tob_X_20200101.csv", index=False)


def _text(text):
    return lambda raw: (raw / "tob_X_20200101.csv").write_text(text)


def _traded_long_before(raw):
    TRADES.assign(ts=TRADES["ts"] - SECOND * 60).to_csv(raw / "trade_X_20200101.csv", index=False)


def _trades_of_another_day_alone(raw):
    QUOTES.assign(ts=QUOTES["ts"] + 86400 * SECOND).to_csv(raw / "tob_X_20200102.csv", index=False)


def _garbage_parquet(raw):
    (raw / "tob_X_20200101.csv").unlink()
    (raw / "tob_X_20200101.parquet").write_bytes(b"PAR1 nonsense")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_frame(QUOTES.drop(columns="ask")), ["tob_X_20200101.csv", "no column ask"]),
        (
            _frame(QUOTES.astype({"bid": object}).replace({"bid": {1.0: "cheap"}})),
            ["tob_X_20200101.csv", "column bid: 3 of 3 cells are no numbers"],
        ),
        (_frame(QUOTES.assign(ts=QUOTES["ts"] + [0, 3600 * SECOND, 0])), ["20200101 X", "no_time 20.00%"]),
        (_text(""), ["tob_X_20200101.csv", "empty"]),
        (_text("\x00\xff\x00"), ["tob_X_20200101.csv"]),
        (_garbage_parquet, ["tob_X_20200101.parquet", "cannot be read"]),
        (_traded_long_before, ["20200101 X", "no trades (none of the 2 that were read is left)"]),
        (_trades_of_another_day_alone, ["20200102 X", "no trades, but other sessions have some"]),
        (lambda raw: [path.unlink() for path in raw.iterdir()], ["no files of a known layout"]),
        (_frame(QUOTES.assign(bid=2.0)), ["quotes_crossed 60.00%", "no true quote"]),
    ],
    ids=["column", "text", "time", "empty", "binary", "parquet", "before", "partner", "nothing", "crossed"],
)
def test_wrong_files_end_with_one_line_and_exit_2(raw, tmp_path, spoil, words, run_script):
    spoil(raw)
    done = run_script("prepare.py", raw, "--store", tmp_path / "store")
    lines = done.stderr.strip().splitlines()
    assert done.returncode == 2, done.stderr
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ")
    assert all(word in lines[0] for word in words), lines[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["raw"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere", "--store", "x"], "no such folder"),
        (["RAW", "--store", "STORE", "--layout", "fax"], "--layout fax: unknown"),
        (["RAW", "--store", "STORE", "--symbols", "Y"], "--symbols Y: not in"),
        (["RAW", "--store", "RAW"], "has other files"),
        (["RAW", "--store", "STORE", "--tick-size", "-1"], "tick_size of X is -1.0"),
        (["RAW", "--store", "STORE", "--tick-size", "0.3"], "is not a multiple of the tick size 0.3"),
    ],
)
def test_wrong_arguments_end_with_one_line_and_exit_2(raw, tmp_path, arguments, words, run_script):
    places = {"RAW": raw, "STORE": tmp_path / "store"}
    done = run_script("prepare.py", *[places.get(one, one) for one in arguments])
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1), done.stderr
    assert words in done.stderr
    assert not (tmp_path / "store").exists()


def test_what_was_not_read_is_told_on_the_terminal_and_in_the_report(raw, tmp_path, run_script):
    (raw / "README.txt").write_text("Data of one day.")
    (raw / "trade_Y_20200101.csv").write_text("ts,price,size,side\n")
    shutil.copytree(raw, tmp_path / "copy")
    (tmp_path / "copy").rename(raw / "copy")
    done = run_script("prepare.py", raw, "--store", tmp_path / "store")
    assert done.returncode == 0, done.stderr
    assert "passed over 2 files: 2 sidecars (README.txt, copy/README.txt)" in done.stderr
    assert (
        "read once what several files hold: tob_X_20200101.csv repeats copy/tob_X_20200101.csv, trade_" in done.stderr
    )
    report = json.loads((tmp_path / "store" / "quality.json").read_text())
    assert [one["name"] for one in report["passed_over"]][:2] == ["README.txt", "copy/README.txt"]
    assert [one["first"] for one in report["repeated"]] == ["copy/tob_X_20200101.csv", "copy/trade_X_20200101.csv"]
    assert store.Store.open(tmp_path / "store").sessions[0].n_trades == 2


def test_an_existing_store_is_kept(raw, tmp_path, run_script):
    assert run_script("prepare.py", raw, "--store", tmp_path / "store").returncode == 0
    done = run_script("prepare.py", raw, "--store", tmp_path / "store")
    assert (done.returncode, "holds a store already" in done.stderr) == (2, True)
    assert run_script("prepare.py", raw, "--store", tmp_path / "store", "--overwrite").returncode == 0
    store.Store.open(tmp_path / "store").verify()


def _many_files(folder):
    """Enough work that a kill hits every stage: reading, spooling, writing, renaming."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for day in range(4):
        ts = (NEW_YEAR + day * 86400 * SECOND) + np.cumsum(random.integers(1, 10**6, 150_000))
        bid = 100 + np.cumsum(random.integers(-1, 2, len(ts))) * 0.01
        sizes = {"bid_size": 5.0, "ask_size": 3.0}
        quotes = pd.DataFrame({"ts": ts, "bid": bid.round(2), "ask": (bid + 0.02).round(2), **sizes})
        trades = pd.DataFrame({"ts": ts[::9], "price": bid[::9].round(2), "size": 1.0, "side": 1})
        trades["side"] -= 2 * (trades.index % 2)
        quotes.to_csv(folder / f"tob_X_2020010{day + 1}.csv", index=False)
        trades.to_csv(folder / f"trade_X_2020010{day + 1}.csv", index=False)


def kill_and_go_on(folder, kills, seed=0):
    """Kills prepare at random moments; after each the next whole run must equal an undisturbed one."""
    raw, target = folder / "raw", folder / "store"
    _many_files(raw)
    command = [sys.executable, "pipelines/prepare.py", str(raw), "--store"]
    begin = time.monotonic()
    subprocess.run([*command, folder / "calm"], cwd=ROOT, check=True, capture_output=True)
    lasting = time.monotonic() - begin
    wanted = store.Store.open(folder / "calm")
    random = np.random.default_rng(seed)
    for _ in range(kills):
        victim = subprocess.Popen([*command, target], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(random.uniform(0.2, 1.0) * lasting)
        victim.kill()
        victim.wait()
        again = [*command, target, "--overwrite"] if (target / store.MANIFEST).exists() else [*command, target]
        done = subprocess.run(again, cwd=ROOT, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        found = store.Store.open(target)
        found.verify()
        assert found.data_hash == wanted.data_hash
        assert sorted(path.name for path in folder.iterdir()) == ["calm", "raw", "store"]
        shutil.rmtree(target)


def test_kill_9_at_random_moments_loses_nothing(tmp_path):
    kill_and_go_on(tmp_path, kills=2)


def test_generate_like_a_store_and_a_triangle(small_store, tmp_path, run_script):
    done = run_script("generate.py", "--out", tmp_path / "like", "--days", 1, "--hours", 0.02, "--like", small_store)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "like").iterdir()) == [
        "tob_SIM_20240102.parquet", "trade_SIM_20240102.parquet",
    ]  # fmt: skip
    done = run_script("generate.py", "--out", tmp_path / "three", "--days", 1, "--hours", 0.02, "--triangle")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "three").iterdir())) == 6
    done = run_script("generate.py", "--out", tmp_path / "no", "--like", tmp_path / "nowhere")
    assert (done.returncode, "nowhere" in done.stderr, (tmp_path / "no").exists()) == (2, True, False)
