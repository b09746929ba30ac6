"""Which words are options and which are the script's; sizes, defaults and files of settings."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlascope.cli.config import load
from xlascope.cli.errors import CommandError
from xlascope.cli.options import OPTIONS, OUTPUT, describe, given_to_script, make_plan, split
from xlascope.cli.units import parse_seconds, parse_size, show_size
from xlascope.session.errors import PlanError
from xlascope.session.plan import choose_python, default_run_path, jax_of


@given(rest=st.lists(st.text(max_size=10), max_size=6))
def test_all_after_the_script_is_the_scripts(rest: list[str]) -> None:
    parsed = split(["--args", "none", "-o", "x", "train.py", *rest], (OUTPUT, *OPTIONS))
    assert (parsed.script, parsed.argv) == ("train.py", tuple(rest))
    assert parsed.given == {"--args": "none", "--output": "x"}
    parsed = split(["-m", "pkg.mod", *rest])
    assert (parsed.module, parsed.script, parsed.argv) == ("pkg.mod", None, tuple(rest))


@pytest.mark.parametrize("words,script", [
    (["--", "-odd.py", "a"], "-odd.py"), (["--no-source", "a.py"], "a.py"), (["--max-size=1G", "a.py"], "a.py"),
    (["-"], "-"), ([], None), (["-oout", "a.py"], "a.py"), (["-o=out", "a.py"], "a.py"),
])
def test_where_the_script_is(words: list[str], script: str | None) -> None:
    assert split(words, (OUTPUT, *OPTIONS)).script == script


@pytest.mark.parametrize("words,complaint", [
    (["--nonsense", "a.py"], "unknown option --nonsense"), (["--args"], "--args needs a value"),
    (["--no-source=1", "a.py"], "takes no value"), (["-x", "a.py"], "unknown option -x"),
])
def test_wrong_options_are_told(words: list[str], complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint):
        split(words)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    (tmp_path / "a.py").write_text("")
    return tmp_path


def test_a_plan_from_options_over_project_over_user(here: Path) -> None:
    (here / "config/xlascope").mkdir(parents=True)
    (here / "config/xlascope/config.toml").write_text('args = "specs"\nmax-size = "2G"\nprofile-window = 0.5\n')
    (here / "pyproject.toml").write_text('[tool.xlascope]\nprofile-window = 0\nsource = false\n')
    plan = make_plan(split(["--args-limit", "1M", "a.py"]), stay=False)
    assert (plan.args, plan.max_size, plan.profile_window, plan.source) == ("specs", 2 << 30, 0.0, False)
    assert (plan.args_limit, plan.args_total) == (1 << 20, 512 << 20)
    plan = make_plan(split(["--args", "none", "--no-config", "a.py"]), stay=True)
    assert (plan.args, plan.max_size, plan.source, plan.stay) == ("none", 1 << 30, True, True)


@pytest.mark.parametrize("words,complaint", [
    (["--args", "some", "a.py"], "'some' is none of full, specs, none"),
    (["--args-limit", "much", "a.py"], "--args-limit: 'much' is not a size"),
    (["--profile-window", "-1", "a.py"], "not a number of seconds"),
    (["--profile-window", "nan", "a.py"], "not a number of seconds"),
    ([], "which script"),
])
def test_values_that_make_no_sense(here: Path, words: list[str], complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint):
        make_plan(split(words), stay=False)


@pytest.mark.parametrize("name,complaint", [
    ("absent.py", "can't open file '.*absent.py': No such file or directory"),
    ("note.ipynb", "nbconvert"), ("run.xlascope", "xlascope open run.xlascope"), ("folder", "can't find '__main__'"),
])
def test_scripts_that_are_none(here: Path, name: str, complaint: str) -> None:
    (here / "folder").mkdir()
    (here / "note.ipynb").write_text("{}")
    with pytest.raises(PlanError, match=complaint) as caught:
        make_plan(split([name]), stay=False)
    assert caught.value.code == 2


def test_broken_settings_are_told(here: Path) -> None:
    (here / "config/xlascope").mkdir(parents=True)
    (here / "config/xlascope/config.toml").write_text("args = \n")
    with pytest.raises(CommandError, match="--no-config"):
        load(os.environ, here)
    (here / "config/xlascope/config.toml").write_text('max-size = "big"\n')
    with pytest.raises(CommandError, match="the setting max-size"):
        make_plan(split(["a.py"]), stay=False)


def test_a_pyproject_that_is_not_ours_does_no_harm(here: Path) -> None:
    for text in ("[tool", "[tool]\nxlascope = 3\n", "tool = 3\n", "[project]\nname='x'\n"):
        (here / "pyproject.toml").write_text(text)
        try:
            assert load(os.environ, here) == {}
        except CommandError as error:
            assert "[tool.xlascope]" in str(error)


def test_the_nearest_pyproject_counts(here: Path) -> None:
    (here / "pyproject.toml").write_text('[tool.xlascope]\nargs = "none"\n')
    (here / "inner").mkdir()
    assert load(os.environ, here / "inner") == {"args": "none"}
    (here / "inner/pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert load(os.environ, here / "inner") == {}


def environment_with_jax(folder: Path, jax: bool = True) -> Path:
    site = folder / "lib/python3.12/site-packages"
    (site / "jax-0.12.0.dist-info").mkdir(parents=True)
    if jax:
        (site / "jax").mkdir()
        (site / "jax/__init__.py").write_text("")
    (folder / "bin").mkdir()
    (folder / "bin/python").symlink_to(sys.executable)
    return folder / "bin/python"


def test_the_active_environment_is_used_when_it_has_jax(tmp_path: Path) -> None:
    python = environment_with_jax(tmp_path / "with")
    assert jax_of(python) == "0.12.0"
    assert choose_python(None, {"VIRTUAL_ENV": str(tmp_path / "with")}) == str(python)
    environment_with_jax(tmp_path / "without", jax=False)
    assert choose_python(None, {"VIRTUAL_ENV": str(tmp_path / "without")}) == sys.executable
    assert choose_python(None, {"VIRTUAL_ENV": str(tmp_path / "absent")}) == sys.executable
    assert choose_python(None, {}) == sys.executable


def test_packages_of_the_base_count_where_the_environment_looks_there(tmp_path: Path) -> None:
    base = environment_with_jax(tmp_path / "base")
    python = environment_with_jax(tmp_path / "inner", jax=False)
    for word, version in [("false", None), ("true", "0.12.0")]:
        (tmp_path / "inner/pyvenv.cfg").write_text(f"home = {base.parent}\ninclude-system-site-packages = {word}\n")
        assert jax_of(python) == version


def test_an_interpreter_that_was_asked_for(tmp_path: Path) -> None:
    python = environment_with_jax(tmp_path / "e")
    assert choose_python(str(python), {}) == str(python)
    assert choose_python("python", {"PATH": f"/nowhere:{python.parent}"}) == str(python)
    assert choose_python(str(tmp_path / "e"), {}) == str(python)
    for other in ("/bin/sh", "true"):
        with pytest.raises(PlanError, match="not a Python"):
            choose_python(other, {"PATH": "/bin:/usr/bin"})
    for absent in ("/no/such/python", "no-such-python"):
        with pytest.raises(PlanError, match="no such program"):
            choose_python(absent, {"PATH": "/bin"})


def test_run_files_get_names_of_their_own(here: Path) -> None:
    plan = make_plan(split(["a.py"]), stay=False)
    first = default_run_path(plan, here)
    second = default_run_path(plan, here)
    assert first != second and first.name.startswith("a-20") and first.suffix == ".xlascope"
    assert default_run_path(make_plan(split(["-m", "x.y"]), stay=False), here).name.startswith("x-y-")


@given(st.integers(0, 2**50))
def test_sizes(size: int) -> None:
    assert parse_size(str(size)) == size
    shown = show_size(size)
    assert parse_size(shown) == pytest.approx(size, rel=0.06, abs=0.5)


@pytest.mark.parametrize("text,size", [("64MiB", 64 << 20), ("1G", 1 << 30), (" 500 k ", 512000), ("1.5KB", 1536)])
def test_sizes_with_units(text: str, size: int) -> None:
    assert parse_size(text) == size


@given(st.text(max_size=8))
def test_noise_is_no_size_or_a_plain_one(text: str) -> None:
    for parse in (parse_size, parse_seconds):
        try:
            assert parse(text) >= 0
        except ValueError as error:
            assert repr(text) in str(error)


def test_every_option_is_described() -> None:
    text = describe((OUTPUT, *OPTIONS))
    assert all(option.name in text and option.help in text for option in (OUTPUT, *OPTIONS))


def test_a_run_file_has_room_for_a_run() -> None:
    parsed = split(["--max-size", "1K", __file__])
    with pytest.raises(CommandError, match="at least 1MiB"):
        make_plan(parsed, stay=False)
    assert make_plan(split(["--max-size", "1MiB", __file__]), stay=False).max_size == 1 << 20


@pytest.mark.parametrize(("words", "taken"), [
    (["a.py", "-o", "x.xlascope"], "-o"), (["a.py", "--data", "d", "--output=x"], "--output=x"),
    (["-o", "x", "a.py", "-o", "y"], None), (["a.py", "-m", "vit", "out"], None), (["a.py"], None),
    (["-m", "pkg", "--max-size", "1G"], "--max-size"),
])
def test_an_option_of_ours_among_the_scripts_words_is_noticed(words: list[str], taken: str | None) -> None:
    every = (OUTPUT, *OPTIONS)
    assert given_to_script(split(words, every), every) == taken
