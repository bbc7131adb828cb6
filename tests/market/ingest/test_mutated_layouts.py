"""Mutated files of every layout end in a true store or in one error that names them: no traceback, no wrong store."""

import re

import numpy as np
import pytest

from tests.market import vendor_files
from tests.market.ingest import test_mutated_files
from tests.market.readers import cases
from tfmm import errors
from tfmm.market.ingest import prepare

FILES, PARTS = 2600, 4
_TOKEN = re.compile(r'[^,;|\s"\[\]{}:]+')
_WORDS = ["", "NaN", "null", "inf", "-1", "0", "1e300", "1e-300", "99999999999999999999", "-99999999999999", "abc",
          "\x00", '"', "[", "}", "0x1F", "٣", "1.234,05", "2024-02-30", "true", "\u06f1"]  # fmt: skip


def mutate(text, random):
    """A text with one to three kinds of damage, as bytes."""
    lines = text.splitlines(keepends=True)
    # a file of several rows has something left after a mutation
    lines += [line for line in lines[1:] for _ in range(random.integers(0, 3))]
    for _ in range(random.integers(1, 4)):
        k = int(random.integers(0, len(lines)))
        found = list(_TOKEN.finditer(lines[k]))
        match random.integers(0, 8):
            case 0 | 1 | 2 if found:
                one = found[random.integers(0, len(found))]
                word = str(random.choice(_WORDS))
                if random.random() < 0.4 and one[0].replace(".", "").isdigit():
                    word = str(random.choice(["-" + one[0], one[0] + "000", one[0][:-1] or "0", one[0] + ".5"]))
                lines[k] = lines[k][: one.start()] + word + lines[k][one.end() :]
            case 3:
                del lines[k]
            case 4:
                lines.insert(int(random.integers(0, len(lines) + 1)), lines[k])
            case 5:
                random.shuffle(lines)
            case 6:
                lines[k] = lines[k][: random.integers(0, max(1, len(lines[k])))]
            case _:
                lines[k] = lines[k].replace(",", str(random.choice([";", "\t", ",,", " ,"])), 1)
        lines = lines or [""]
    data = bytearray("".join(lines).encode())
    for _ in range(random.integers(0, 3)):
        if data:
            data[random.integers(0, len(data))] = random.integers(0, 256)
    return bytes(data)


def check(folder, seed):
    """Prepares a mutated file; whether it became a store."""
    random = np.random.default_rng(seed)
    _, name, text, _ = cases.CASES[seed % len(cases.CASES)]
    raw, target = folder / f"raw{seed}", folder / f"store{seed}"
    return became_a_store(raw, target, name, mutate(text, random), random)


def became_a_store(raw, target, name, data, random):
    """Whether `prepare` made a store of a file, which is then a true one; else its error is one line."""
    raw.mkdir()
    (raw / name).write_bytes(data)
    request = vendor_files.request(
        limit=0.5, assume_size=1.0, time_zone="Europe/Athens", infer_sides=bool(random.integers(2)),
        allow=bool(random.integers(2)),
    )  # fmt: skip
    try:
        out, _ = prepare.prepare(raw, target, request)
    except errors.TfmmError as error:
        assert str(raw) in str(error), error
        assert "\n" not in str(error)
        assert not target.exists()
        return False
    test_mutated_files.check_store(out, sequenced=True)
    return True


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_mutated_files_of_every_layout(tmp_path, part):
    kept = sum(check(tmp_path, seed) for seed in range(part, FILES, PARTS))
    assert kept


def test_a_number_over_64_bits_anywhere_in_a_message(tmp_path):
    """Each whole number of each JSON layout in its turn: no traceback, and all else of the file is as before."""
    random, tried, stores = np.random.default_rng(0), 0, 0
    for _, name, text, _ in cases.CASES:
        numbers = list(re.finditer(r"(?<![\w.])\d+(?![\w.])", text)) if "{" in text else []
        for one in numbers[:: max(1, len(numbers) // 6)]:
            data = (text[: one.start()] + "9" * 20 + text[one.end() :]).encode()
            tried += 1
            stores += became_a_store(tmp_path / f"raw{tried}", tmp_path / f"store{tried}", name, data, random)
    assert tried > 50 and stores > 10


def test_messages_without_a_time(tmp_path):
    """Coinbase messages that lack the field: refused, as no row has a time."""
    text = next(text for layout, _, text, _ in cases.CASES if layout == "coinbase messages")
    data = text.replace('"time"', '"when"').encode()
    assert not became_a_store(tmp_path / "raw", tmp_path / "store", "feed.json", data, np.random.default_rng(0))
