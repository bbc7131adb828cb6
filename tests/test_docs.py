"""What the pages of docs/ name is there, and the changelog has every renamed setting."""

import pathlib
import re

import pytest

from tfmm.config import renamed

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
FOLDERS = "tfmm|tests|docs|configs|pipelines"


def test_there_are_pages():
    assert {"CHANGELOG.md", "CONTRIBUTING.md", "architecture.md"} <= {page.name for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_folders_are_there(page):
    text = page.read_text(encoding="utf-8")
    paths = re.findall(rf"`((?:{FOLDERS})/[\w./-]*)", text)
    links = re.findall(r"\]\(([^)#]+)\)", text)
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_targets_of_make_are_there(page):
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"make (\w+)", page.read_text(encoding="utf-8"))) <= set(targets)


def test_modules_that_moved_are_where_the_changelog_says():
    text = (ROOT / "docs" / "CHANGELOG.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(tfmm[\w.]+)` \| (.*) \|$", text, re.MULTILINE)
    assert len(rows) > 5
    for old, new in rows:
        for module in re.findall(r"`([\w.]+)`", new):
            assert ROOT.joinpath(*module.split(".")).with_suffix(".py").is_file(), module
        assert not ROOT.joinpath(*old.split(".")).with_suffix(".py").exists(), old


def test_every_renamed_setting_is_in_the_changelog():
    text = (ROOT / "docs" / "CHANGELOG.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if "|" in line]
    for one in renamed.TABLE:
        if one.new == renamed.GONE:
            assert f"`{one.old}`" in text, one
            continue
        words = [one.old, one.new.rpartition(".")[2], *filter(None, [one.value, one.new_value])]
        if one.old.startswith("model."):
            words.remove(one.new.rpartition(".")[2])
        assert any(all(word in row for word in words) for row in rows), one
