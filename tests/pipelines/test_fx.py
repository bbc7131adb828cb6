"""FX files of four vendors, quotes without sizes and trades: prepare, train, evaluate as a user does."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.scripts import ROOT
from tfmm.market import store as store_lib

SECONDS, DAYS = 600, ("2024-03-04", "2024-03-05", "2024-03-06")
SMALL = {
    "environment": {"rows": 8, "window_s": 60.0, "warmup_s": 5.0, "features": ["inventory", "spread", "return_5s"]},
    "agent": {"actor_layers": [16], "critic_joint_layers": [16]},
    "collect": {"initial_steps": 40, "steps_per_iteration": 2},
    "train": {"steps": 40, "steps_per_iteration": 2, "batch_size": 32, "replay_capacity": 2000, "log_interval": 10,
              "checkpoint_interval": 20, "validation_interval": 20},
}  # fmt: skip


def _ticks():
    """(ns UTC, bid, ask) of ten minutes from 12:00 UTC on three days, about two quotes a second."""
    random, parts = np.random.default_rng(0), []
    for day in DAYS:
        begin = pd.Timestamp(f"{day} 12:00", tz="UTC").value // 10**6
        ms = begin + np.cumsum(random.integers(100, 900, 2 * SECONDS))
        bid = 108_000 + np.cumsum(random.integers(-3, 4, len(ms)))
        parts.append(np.column_stack([ms, bid, bid + random.integers(2, 9, len(ms))]))
    return np.concatenate(parts)


def _local(ms, zone, form):
    return pd.to_datetime(ms, unit="ms", utc=True).tz_convert(zone).strftime(form)


def _histdata(ticks):
    times = _local(ticks[:, 0], "Etc/GMT+5", "%Y%m%d %H%M%S%f").str[:-3]
    rows = zip(times, ticks[:, 1] / 1e5, ticks[:, 2] / 1e5, strict=True)
    return "DAT_ASCII_EURUSD_T_202403.csv", "".join(f"{t},{bid:.5f},{ask:.5f},0\n" for t, bid, ask in rows)


def _truefx(ticks):
    times = _local(ticks[:, 0], "UTC", "%Y%m%d %H:%M:%S.%f").str[:-3]
    rows = zip(times, ticks[:, 1] / 1e5, ticks[:, 2] / 1e5, strict=True)
    return "EURUSD-2024-03.csv", "".join(f"EUR/USD,{t},{bid:.5f},{ask:.5f}\n" for t, bid, ask in rows)


def _dukascopy(ticks):
    rows = [{"timestamp": ms, "askPrice": ask / 1e5, "bidPrice": bid / 1e5} for ms, bid, ask in ticks.tolist()]
    return "eurusd-tick-2024-03.json", json.dumps(rows)


def _metatrader(ticks):
    """A price that did not change is left out."""
    times = _local(ticks[:, 0], "Europe/Athens", "%Y.%m.%d\t%H:%M:%S.%f").str[:-3]
    text, last = "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\n", (0, 0)
    for t, bid, ask in zip(times, ticks[:, 1].tolist(), ticks[:, 2].tolist(), strict=True):
        shown = [f"{px / 1e5:.5f}" if px != before else "" for px, before in zip((bid, ask), last, strict=True)]
        text, last = text + f"{t}\t{shown[0]}\t{shown[1]}\t\t\t6\n", (bid, ask)
    return "EURUSD_202403.csv", text


FILES = {"histdata": _histdata, "truefx": _truefx, "dukascopy": _dukascopy, "metatrader": _metatrader}


def _prepared(folder, vendor, run_script):
    """A store of a vendor's file of the same ticks."""
    name, text = FILES[vendor](_ticks())
    (folder / "raw").mkdir(parents=True)
    (folder / "raw" / name).write_text(text)
    zone = ["--time-zone", "Europe/Athens"] if vendor == "metatrader" else []
    done = run_script(
        "prepare.py", folder / "raw", "--store", folder / "store", "--assume-size", 1_000_000, "--no-plots", *zone
    )
    assert done.returncode == 0, done.stderr
    return store_lib.Store.open(folder / "store")


@pytest.mark.parametrize("vendor", list(FILES))
def test_every_vendor_gives_the_same_quotes(tmp_path, vendor, run_script):
    ticks, store = _ticks(), _prepared(tmp_path, vendor, run_script)
    assert [one.name for one in store.sessions] == [day.replace("-", "") for day in DAYS]
    instrument, events = store.instruments[0], np.asarray(store.events)
    assert instrument.quote_currency == "USD"
    steps = round(instrument.tick_size * 1e5)
    np.testing.assert_array_equal(events["ts"], ticks[:, 0] * 10**6)
    np.testing.assert_array_equal(events["lo_tick"] * steps, ticks[:, 1])
    np.testing.assert_array_equal(events["hi_tick"] * steps, ticks[:, 2])
    assert (events["lo_size"] == 1e6).all() and (events["hi_size"] == 1e6).all()


def test_prepare_train_evaluate(tmp_path, run_script):
    store = _prepared(tmp_path, "histdata", run_script)
    changes = [f"{section}.{key}={json.dumps(value)}" for section, keys in SMALL.items() for key, value in keys.items()]
    changes += ["rules.order_size=100000", "environment.n_spread_states=2"]
    settings = [word for change in changes for word in ("--set", change)]
    done = run_script(
        "train.py", ROOT / "configs" / "client_flow.toml", "--run-dir", tmp_path / "run", "--set",
        f"data.store={json.dumps(str(tmp_path / 'store'))}", *settings,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    done = run_script("evaluate.py", tmp_path / "run", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["data"]["segments"][0]["session"] == store.sessions[-1].name
    assert metrics["verdict"] in ("better", "worse", "tie", "inconclusive")
    assert metrics["results"]["ddpg"]["n_fills"] > 0
    assert metrics["results"]["fixed_spread"]["n_fills"] > 0
