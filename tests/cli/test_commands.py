"""The command as a user meets it: help, wrong words, exit codes, what is where; never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from xlascope.cli.dispatch import COMMANDS, usage
from xlascope.cli.options import OPTIONS, OUTPUT, OUTPUT_OF_SCREEN
from xlascope.runfile import Reader, Writer
from xlascope.session.places import kept_runs, prune, runs_folder, stale_locks, state_folder


def xlascope(*words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    home = {"HOME": str(folder), "XDG_STATE_HOME": str(folder / "state"), "XDG_CONFIG_HOME": str(folder / "config"),
            "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-m", "xlascope", *words], capture_output=True, text=True, cwd=folder,
                          stdin=subprocess.DEVNULL, timeout=100, env={**os.environ, **home, **environment}, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_help_lists_what_is_built_and_nothing_else(tmp_path: Path) -> None:
    done = xlascope("--help", folder=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    listed = {line.split()[0] for line in done.stdout.partition("commands:\n")[2].partition("\n\n")[0].splitlines()}
    assert listed == {command.name for command in COMMANDS if command.built}
    assert {"record", "show", "measure", "doctor"} <= listed
    assert all(option.name in done.stdout and option.help in done.stdout for option in (OUTPUT_OF_SCREEN, *OPTIONS))
    assert OUTPUT.help in xlascope("record", "--help", folder=tmp_path).stdout and OUTPUT.help not in done.stdout


def test_the_view_may_stand_behind_options_or_first(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.xlascope")
    writer.put("program", {"id": "f#1", "function": "f"}, program="f#1")
    writer.close()
    orders = ("a.xlascope programs --json --program f", "a.xlascope --program f programs --json",
              "--program f a.xlascope --json programs", "programs a.xlascope --json --program f")  # fmt: skip
    told = [xlascope("show", *words.split(), folder=tmp_path) for words in orders]
    assert {done.returncode for done in told} == {0} and len({done.stdout for done in told}) == 1
    assert json.loads(told[0].stdout)["programs"][0]["id"] == "f#1"


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["record", "--help"], ["measure", "--help"],
                                   ["demo", "--help"], ["nothing-there.py"], ["record", "x.ipynb"]])
def test_small_things_import_neither_jax_nor_textual(words: list[str]) -> None:
    code = ("import sys\nfrom xlascope.cli.main import main\n"
            f"try: main({words!r})\nexcept SystemExit: pass\n"
            "print(sorted(set(sys.modules) & {'jax', 'jaxlib', 'numpy', 'textual', 'rich', 'asyncio'}))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_no_arguments_without_a_terminal_is_usage(tmp_path: Path) -> None:
    done = xlascope(folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: xlascope")


@pytest.mark.parametrize("name", ["report", "export", "sql", "strip"])
def test_commands_that_are_not_built_say_so(tmp_path: Path, name: str) -> None:
    command = next(one for one in COMMANDS if one.name == name)
    if command.built:
        assert name in usage()
        return
    done = xlascope(name, "x", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "") and "not in this version" in done.stderr
    assert f"\n  {name}" not in usage()


@pytest.mark.parametrize("words,code,said", [
    (["absent.py"], 2, "can't open file"),
    (["opne", "x.xlascope"], 2, "No such file or directory; did you mean `xlascope open`?"),
    (["record", "absent.py"], 2, "can't open file"),
    (["record"], 2, "which script"),
    (["record", "--nonsense", "x.py"], 2, "unknown option --nonsense"),
    (["record", "--python", "/no/python", "x.py"], 2, "no such program"),
    (["record", "note.ipynb"], 2, "nbconvert"),
    (["record", "-o", ".", "x.py"], 2, "a folder"),
    (["x.py"], 2, "xlascope record"),
    (["open"], 2, "open what"),
    (["open", "absent.xlascope"], 3, "no such file"),
    (["measure"], 2, "which run file"),
    (["measure", "--nope"], 2, "--nope"),
    (["compare", "a", "--nope"], 2, "--nope"),
    (["compare", "a"], 2, "which two"),
    (["show", "--nope"], 2, "--nope"),
    (["show"], 2, "which file"),
    (["show", "ops"], 2, "ops of which file? `xlascope show PATH ops`"),
    (["show", "a.xlascope", "--program", "f", "opps"], 2, "The views are: run, "),
    (["show", "a.xlascope", "--program", "f", "ops", "run"], 2, "One view at a time"),
    (["measure", "absent.xlascope", "--fusion", "off"], 3, "no such file"),
    (["measure", "x.py", "--fusion", "off"], 3, "x.py"),
    (["measure", "a.xlascope"], 2, "which switch"),
    (["measure", "a.xlascope", "--fusion", "maybe"], 2, "maybe"),
    (["measure", "a.xlascope", "--donate", "=off"], 2, "which argument?"),
    (["measure", "a.xlascope", "--devices", "0"], 2, "from 1 to 1024"),
    (["measure", "a.xlascope", "--mesh", "x"], 2, "8, 4x2 or x=4,y=2"),
    (["measure", "a.xlascope", "--mesh", "x=0"], 2, "not a number of devices"),
    (["measure", "a.xlascope", "--shard", "0"], 2, "0=x,-"),
    (["measure", "a.xlascope", "--fusion", "off", "--budget", "0"], 2, "--budget"),
    (["measure", "a.xlascope", "--fusion", "off", "--budget", "nan"], 2, "--budget nan: give seconds above 0"),
    (["measure", "a.xlascope", "--fusion", "off", "--budget", "inf"], 2, "at most 86,400"),
    (["measure", "a.xlascope", "--fusion", "off", "--name", ""], 2, "cannot be empty"),
    (["measure", "a.xlascope", "--fusion", "off", "--name", "a#b"], 2, "RUN#NAME; leave it out"),
    (["measure", "a.xlascope", "--fusion", "off", "--program", "g"], 2, "no such program"),
    (["measure", "a.xlascope", "--jit", "off"], 2, "live Python process of the script, and that has ended: a run file holds"),
    (["measure", "a.xlascope", "--jit", "off"], 2, "`xlascope train.py --steps '3 4'`, choose f#1 and press J"),
    (["measure", "a.xlascope", "--fusion", "off"], 2, "no executable form"),
    (["demo", "nonsense"], 2, "softmax"),
    (["doctor", "--nonsense"], 2, "--nonsense"),
])
def test_wrong_words_get_a_sentence_and_a_code(tmp_path: Path, words: list[str], code: int, said: str) -> None:
    (tmp_path / "x.py").write_text("print('never')\n")
    (tmp_path / "note.ipynb").write_text("{}")
    writer = Writer(tmp_path / "a.xlascope")
    writer.put("program", {"id": "f#1", "function": "f"}, program="f#1")
    writer.put("run", {"script": str(tmp_path / "train.py"), "module": None, "argv": ["--steps", "3 4"]})
    writer.close()
    done = xlascope(*words, folder=tmp_path)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert said in done.stderr


def test_a_file_in_use_is_not_measured(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.xlascope")
    writer.put("program", {"id": "f#1", "function": "f"}, program="f#1")
    writer.commit()
    done = xlascope("measure", "a.xlascope", "--fusion", "off", folder=tmp_path)
    writer.close()
    assert done.returncode == 3 and f"process {os.getpid()}" in done.stderr


def test_record_names_its_file_and_a_command_of_that_name_is_a_script_with_a_dot(tmp_path: Path) -> None:
    (tmp_path / "doctor").write_text("print('a script')\n")
    done = xlascope("record", "--profile-window", "0", "./doctor", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "a script\n")
    path = done.stderr.splitlines()[-1]
    assert path.startswith("./doctor-20") and (tmp_path / path).exists()


def test_doctor_tells_where_things_are_and_cleans(tmp_path: Path) -> None:
    runs = runs_folder({"XDG_STATE_HOME": str(tmp_path / "state")})
    for number in range(23):
        writer = Writer(runs / f"r{number:02}.xlascope")
        writer.close()
        os.utime(runs / f"r{number:02}.xlascope", (number, number))
    (runs / ".gone.xlascope.lock").write_text("1")
    done = xlascope("doctor", "--json", folder=tmp_path)
    facts = json.loads(done.stdout)
    assert done.returncode == 0 and facts["schema"] == 1 and facts["problems"] == []
    assert facts["targets"]["cpu"] and facts["packages"]["jax"] and facts["script_jax"] == facts["packages"]["jax"]
    assert facts["places"][0]["path"] == str(runs) and facts["places"][0]["files"] == 23
    done = xlascope("doctor", "--clean", folder=tmp_path)
    assert "cleaned  3 runs" in done.stdout and "1 stale" in done.stdout
    assert [run.path.name for run in kept_runs(runs)] == [f"r{number:02}.xlascope" for number in range(22, 2, -1)]
    assert stale_locks(runs) == []


def test_pruning_keeps_within_bytes_and_what_is_being_written(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"{number}.xlascope").write_bytes(bytes(1000))
        os.utime(tmp_path / f"{number}.xlascope", (number, number))
    (tmp_path / "0.xlascope").unlink()
    writer = Writer(tmp_path / "0.xlascope")
    os.utime(tmp_path / "0.xlascope", (0, 0))
    removed = prune(tmp_path, keep=10, keep_bytes=2500)
    writer.close()
    assert [run.path.name for run in removed] == ["1.xlascope"]
    assert {run.path.name for run in kept_runs(tmp_path)} == {"0.xlascope", "2.xlascope", "3.xlascope"}


def test_places_follow_the_base_directory_specification(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/h")
    assert state_folder({}) == Path("/h/.local/state/xlascope")
    assert state_folder({"XDG_STATE_HOME": "relative"}) == Path("/h/.local/state/xlascope")
    assert state_folder({"XDG_STATE_HOME": "/s"}) == Path("/s/xlascope")


def test_runs_started_at_once_each_have_a_file(tmp_path: Path) -> None:
    (tmp_path / "s.py").write_text("import os\nprint(os.environ['RANK'])\n")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "xlascope", "record", "--profile-window", "0", "s.py"]
    started = [subprocess.Popen(command, cwd=tmp_path, env={**environment, "RANK": str(rank)}, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
               for rank in range(4)]
    said = [process.communicate(timeout=60) for process in started]
    paths = [tmp_path / err.splitlines()[-1] for _, err in said]
    assert len(set(paths)) == 4
    for rank, path in enumerate(paths):
        with Reader(path) as reader:
            assert b"".join(chunk.data for chunk in reader.chunks("output")) == b"%d\n" % rank


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", [["show", "a.xlascope", "run"], ["--help"], ["doctor"]])
def test_a_full_disk_behind_stdout_is_a_sentence(tmp_path: Path, words: list[str]) -> None:
    Writer(tmp_path / "a.xlascope").close()
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-m", "xlascope", *words], stdout=full, stderr=subprocess.PIPE, text=True,
                              cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}, check=False)
    assert done.returncode == 4
    assert done.stderr == "xlascope: the output could not be written: No space left on device\n"


def test_what_is_no_python_is_not_recorded_but_told(tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text("x = = 1\n")
    done = xlascope("record", "-o", "r.xlascope", "wrong.py", folder=tmp_path)
    plain = subprocess.run([sys.executable, "wrong.py"], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (1, "") and done.stderr == plain.stderr + "r.xlascope\n"
    with Reader(tmp_path / "r.xlascope") as reader:
        (error,) = reader.records("exception")
    assert error.json["type"] == "SyntaxError" and "x = = 1" in error.json["text"]
