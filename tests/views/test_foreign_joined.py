"""Profiles and dumps of a program that this one did not record, alone and joined."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.traces.naive import naive_sums
from tests.traces.xspace_proto import XSpace
from xlascope.cli import show
from xlascope.ir import HloInstruction, parse_hlo
from xlascope.report.text import render
from xlascope.traces import read_profile
from xlascope.traces.hlo_text import hlo_text
from xlascope.tui.feeding.feed import Feed
from xlascope.views import ViewError, open_source, query
from xlascope.views.compare import compare
from xlascope.views.comparing.sides import open_sides

SCRIPT = Path(__file__).parent / "foreign_script.py"
LINES = dict(enumerate(SCRIPT.read_text().splitlines(), 1))


@dataclass(frozen=True)
class Foreign:
    folder: Path
    file: Path

    @property
    def profile(self) -> Path:
        return self.folder / "profile"

    @property
    def dump(self) -> Path:
        return self.folder / "dump"


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Foreign:
    folder = tmp_path_factory.mktemp("foreign")
    flags = f"--xla_dump_to={folder / 'dump'} --xla_dump_hlo_pass_re=.*"
    subprocess.run(
        [sys.executable, str(SCRIPT), str(folder)], check=True, timeout=150, env={**os.environ, "XLA_FLAGS": flags}
    )
    (file,) = (folder / "profile").rglob("*.xplane.pb")
    return Foreign(folder, file)


def totals(path: Path | str) -> dict[tuple[str, str, str], tuple[int, int]]:
    """(count, nanoseconds) by device, program and op."""
    with open_source(path) as source:
        return {(row.device, row.program, row.op): (row.count, row.total_ns) for row in query("ops", source).rows}


def test_the_folder_that_jax_wrote_gives_each_op_its_line(foreign: Foreign) -> None:
    naive = naive_sums(foreign.file.read_bytes())
    with open_source(foreign.profile) as source:
        ops, programs = query("ops", source), query("programs", source).programs
    assert {row.function for row in programs if row.calls_seen} == {"jit_loss", "jit_norm"}
    assert [row.calls_seen for row in programs if row.function == "jit_norm" and row.calls_seen] == [3, 3]
    numbers = {row.id: int(row.id.rpartition("#")[2]) for row in programs}
    found = {(row.device, numbers[row.program], row.op): (row.count, row.total_ns) for row in ops.rows}
    assert found == {key: (naive.count[key], (naive.total[key] + 500) // 1000) for key in naive.count}
    named = [row for row in ops.rows if row.line is not None]
    assert named and {Path(row.file or "").name for row in named} == {SCRIPT.name}
    assert all("@ w" in LINES[row.line or 0] for row in named if row.opcode == "dot")
    assert [row for row in named if row.opcode == "dot" and row.bytes and row.flops]


def test_a_profile_draws_the_graph_it_holds(foreign: Foreign) -> None:
    with open_source(foreign.file) as source:
        ops, graph = query("ops", source, program="loss"), query("graph", source, program="loss")
        assert query("stage", source, program="loss").text.startswith("HloModule jit_loss, is_scheduled=true")
    spent = {row.op: row.self_ns for row in ops.rows}
    drawn = {node.name: node.self_ns for node in graph.nodes if node.self_ns}
    assert drawn == {name: ns for name, ns in spent.items() if ns}


def told(each: HloInstruction) -> tuple[object, ...]:
    # 0.12 prints elements of tuples as operands `%name#1`, without an instruction of their own.
    operands = () if any(number is not None for _, number in each.operand_refs) else each.operands
    return (each.name, each.opcode, each.shape, operands, each.op_name, each.stack, each.is_root, each.called)


def test_the_protobuf_of_a_module_is_told_as_xla_tells_it(foreign: Foreign) -> None:
    compared = 0
    for number, proto in read_profile(foreign.file).hlo_protos.items():
        (file,) = foreign.dump.glob(f"module_{number:04d}.*after_optimizations.txt")
        mine, theirs = parse_hlo(hlo_text(proto)), parse_hlo(file.read_text())
        assert not mine.problems
        for computation in theirs.computations:
            ours = mine.computation(computation.name)
            assert ours is not None
            own = {each.name: each for each in ours.instructions}
            plain = [each for each in ours.instructions if each.opcode != "get-tuple-element"]
            written = [each for each in computation.instructions if each.opcode != "get-tuple-element"]
            assert [each.name for each in plain] == [each.name for each in written]
            for each in computation.instructions:
                there = told(own[each.name])
                mine_told = there if told(each)[3] else (*there[:3], (), *there[4:])
                assert mine_told == told(each)
                compared += 1
    assert compared > 100


def test_profile_and_dump_are_joined_by_module_and_op(foreign: Foreign) -> None:
    joined = f"{foreign.profile}+{foreign.dump}"
    assert totals(joined) == totals(foreign.profile)
    with open_source(joined) as source:
        programs = query("programs", source).programs
        norms = [row for row in programs if row.function == "jit_norm"]
        assert len(norms) == 2 and all({"hlo", "optimized", "pass:0"} <= set(row.stages) for row in norms)
        for row in norms:
            ops = {each.op for each in query("ops", source, program=row.id).rows}
            text = query("stage", source, program=row.id, stage="optimized").text
            assert ops and all(f"%{op} = " in text for op in ops)
        assert not query("ops", source).dropped
        assert len(query("passes", source, program="loss").passes) > 10


def test_a_dump_of_another_compilation_is_not_joined(foreign: Foreign, tmp_path: Path) -> None:
    for number, proto in read_profile(foreign.file).hlo_protos.items():
        text = hlo_text(proto).replace("%", "%other_")
        name = parse_hlo(text).name
        (tmp_path / f"module_{number:04d}.{name}.cpu_after_optimizations.txt").write_text(text)
    with open_source(f"{foreign.file}+{tmp_path}") as source:
        ops = query("ops", source)
    said = [each.why for each in ops.dropped if each.what == "dump"]
    assert len(said) == 3 and all("0% of the ops" in each for each in said)
    assert any(row.opcode == "dot" for row in ops.rows)


def test_a_dump_of_another_compilation_that_is_much_alike_is_not_joined(foreign: Foreign, tmp_path: Path) -> None:
    """As that of another version of JAX, in which one fusion has another name."""
    with open_source(foreign.file) as source:
        ops = {each.op for each in query("ops", source, program="loss").rows}
    other = max(ops)
    for number, proto in read_profile(foreign.file).hlo_protos.items():
        text = hlo_text(proto)
        if "HloModule jit_loss" in text:
            text = re.sub(rf"%{re.escape(other)}(?![\w.-])", "%something_else", text)
        name = parse_hlo(text).name
        (tmp_path / f"module_{number:04d}.{name}.cpu_after_optimizations.txt").write_text(text)
    with open_source(f"{foreign.file}+{tmp_path}") as source:
        found = query("ops", source)
    (said,) = [each.why for each in found.dropped if each.what == "dump"]
    assert "of the ops of jit_loss" in said and "it is another compilation" in said
    assert other in {each.op for each in found.rows if each.opcode is not None}


def test_a_dump_that_holds_protobuf_alone(foreign: Foreign, tmp_path: Path) -> None:
    for number, proto in read_profile(foreign.file).hlo_protos.items():
        name = parse_hlo(hlo_text(proto)).name
        (tmp_path / f"module_{number:04d}.{name}.cpu_after_optimizations.hlo.pb").write_bytes(proto)
        (tmp_path / f"module_{number:04d}.{name}.before_optimizations.hlo.pb.gz").write_bytes(gzip.compress(proto))
    with open_source(tmp_path) as source, open_source(foreign.dump) as dump:
        mine, theirs = query("programs", source).programs, query("programs", dump).programs
        assert [row.id for row in mine] == [row.id for row in theirs]
        assert all(row.stages == ("hlo", "optimized") for row in mine)
        ours = query("graph", source, program="loss", stage="hlo").nodes
        assert {node.name for node in ours} >= {node.name for node in query("graph", dump, program="loss").nodes}
    with open_source(next(tmp_path.glob("*loss*.gz"))) as source:
        assert query("stage", source).text.startswith("HloModule jit_loss")


def test_hosts_of_a_session_lie_side_by_side(foreign: Foreign, tmp_path: Path) -> None:
    session = tmp_path / "plugins" / "profile" / "2026_01_02"
    session.mkdir(parents=True)
    for host in ("a", "b"):
        shutil.copy(foreign.file, session / f"{host}.xplane.pb")
    one = totals(foreign.file)
    assert totals(tmp_path) == {
        (f"{host}/{device}", *rest): value for host in "ab" for (device, *rest), value in one.items()
    }
    with open_source(tmp_path) as source, open_source(foreign.file) as alone:
        assert query("ops", source).calls_seen == query("ops", alone).calls_seen == 9
        devices = query("devices", source).rows
        assert [(row.device, row.simulated) for row in devices] == [("a/0", False), ("b/0", False)]
        assert {row.window_ns for row in devices} == {query("devices", alone).rows[0].window_ns}


def test_a_host_that_cannot_be_read_is_told_and_the_others_are_shown(foreign: Foreign, tmp_path: Path) -> None:
    shutil.copy(foreign.file, tmp_path / "a.xplane.pb")
    (tmp_path / "b.xplane.pb").write_bytes(b"\xff" * 40)
    assert totals(tmp_path) == totals(foreign.file)
    with open_source(tmp_path) as source:
        (lost,) = [each for each in query("ops", source).dropped if each.what == "unreadable"]
        assert query("devices", source).dropped == (lost,)
    assert lost.count == 1 and "b.xplane.pb" in lost.why and "byte 10" in lost.why


def test_of_several_sessions_the_newest_is_shown(foreign: Foreign, tmp_path: Path) -> None:
    for time in ("2026_01_02", "2026_01_03"):
        session = tmp_path / "plugins" / "profile" / time
        session.mkdir(parents=True)
        shutil.copy(foreign.file, session / "a.xplane.pb")
    (session / "a.xplane.pb").write_bytes(XSpace(warnings=["the newest"]).SerializeToString())
    with open_source(tmp_path) as source:
        told = {each.what: each.why for each in query("ops", source).dropped}
    assert told["profiler"] == "the newest" and "2026_01_02" in told["session"]


def test_a_gzipped_profile(foreign: Foreign, tmp_path: Path) -> None:
    packed = gzip.compress(foreign.file.read_bytes())
    whole, cut = tmp_path / "host.xplane.pb.gz", tmp_path / "cut" / "host.xplane.pb.gz"
    whole.write_bytes(packed)
    assert totals(whole) == totals(tmp_path) == totals(foreign.file)
    cut.parent.mkdir()
    cut.write_bytes(packed[: len(packed) * 9 // 10])
    with open_source(cut) as source:
        ops = query("ops", source)
    (place,) = [each.why for each in ops.dropped if "gzip" in each.why]
    assert f"byte {len(packed) * 9 // 10}" in place


def test_texts_of_one_module_are_one_program(foreign: Foreign, tmp_path: Path) -> None:
    (text,) = foreign.dump.glob("module_*.jit_loss.cpu_after_optimizations.txt")
    text = shutil.copy(text, tmp_path / "loss.txt")
    stablehlo = foreign.folder / "norm.mlir"
    with open_source(stablehlo) as source:
        (program,) = query("programs", source).programs
        assert (program.function, program.stages) == ("jit_norm", ("stablehlo",))
        assert query("stage", source).text == stablehlo.read_text()
        with pytest.raises(ViewError, match="stablehlo"):
            query("graph", source)
    with open_source(f"{text}+{stablehlo}") as source:
        assert [(row.function, row.stages) for row in query("programs", source).programs] == [
            ("jit_loss", ("optimized",)), ("jit_norm", ("stablehlo",)),
        ]  # fmt: skip
    own = tmp_path / "own.mlir"
    own.write_text(stablehlo.read_text().replace("@jit_norm", "@jit_loss"))
    with open_source(f"{text}+{own}") as source:
        (program,) = query("programs", source).programs
        assert program.stages == ("stablehlo", "optimized")


def test_compared_like_runs(foreign: Foreign) -> None:
    for one, two in (
        (f"{foreign.profile}", f"{foreign.profile}+{foreign.dump}"), (f"{foreign.dump}", f"{foreign.file}"),
    ):  # fmt: skip
        a, b = open_sides(one, two)
        with a.source, b.source:
            answer = compare(a, b)
        programs = {(row.program_a, row.program_b) for row in answer.programs}
        assert len([a for a, b in programs if a == b]) == len(programs) == len(answer.programs)
        assert {a.partition("#")[0] for a, _ in programs} >= {"jit_loss", "jit_norm"}
        for row in answer.programs:
            # 0.12's text prints elements of tuples without instructions of their own.
            assert row.a_form.instructions and row.opcodes.keys() <= {"get-tuple-element"}


@pytest.mark.parametrize("word", ["no such", "there+no such"])
def test_what_is_not_there_is_named(word: str, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(ViewError, match="no such file or folder") as raised:
        open_source(tmp_path / word)
    assert raised.value.exit_code == 3


def test_a_folder_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("a list")
    with pytest.raises(ViewError, match="holds no profile and no HLO text") as raised:
        open_source(tmp_path)
    assert raised.value.exit_code == 3


def test_dumps_of_several_runs_are_told_apart_by_the_user(foreign: Foreign, tmp_path: Path) -> None:
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
        for file in foreign.dump.glob("*after_optimizations.txt"):
            shutil.copy(file, tmp_path / name)
    with pytest.raises(ViewError, match="dumps of several runs") as raised:
        open_source(tmp_path)
    assert raised.value.exit_code == 3 and str(tmp_path / "before") in raised.value.advice
    shutil.copy(foreign.file, tmp_path)
    with open_source(tmp_path) as source:
        (note,) = query("ops", source).dropped
    assert (note.what, note.count) == ("dump", 2)
    with open_source(f"{tmp_path}+{tmp_path / 'after'}") as source:
        assert not query("ops", source).dropped
        assert all("optimized" in row.stages for row in query("programs", source).programs)


def test_two_profiles_are_compared_not_joined(foreign: Foreign, tmp_path: Path) -> None:
    other = shutil.copy(foreign.file, tmp_path / "other.xplane.pb")
    with pytest.raises(ViewError, match="more than one profile") as raised:
        open_source(f"{foreign.file}+{other}")
    assert raised.value.exit_code == 2 and "compare" in raised.value.advice


def test_paths_of_one_command_are_joined(
    foreign: Foreign, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert show.main([str(foreign.profile), str(foreign.dump), "ops", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["rows"]
    assert {(row["device"], row["program"], row["op"]): (row["count"], row["total_ns"]) for row in found} == totals(
        f"{foreign.profile}+{foreign.dump}"
    )
    assert show.main([str(foreign.profile), str(foreign.dump)]) == 0
    assert "passes" in capsys.readouterr().out
    assert show.main([str(foreign.profile), "nothing"]) == 2
    assert show.main([str(foreign.profile), str(tmp_path / "absent"), "ops"]) == 3
    assert "absent: no such file" in capsys.readouterr().err


def test_the_screen_has_the_programs_of_both(foreign: Foreign) -> None:
    feed = Feed(Path(f"{foreign.profile}+{foreign.dump}"))
    overview = feed.overview()
    program = next(iter(overview.programs))
    assert overview.kind == "joined" and program.startswith("jit_loss#")
    assert overview.functions[0].name == "jit_loss" and (overview.functions[0].share or 0) > 0.5
    ops, graph = feed.ops(program), feed.graph(program)
    assert {row.op for row in ops.rows} <= {node.name for node in graph.nodes}
    product = next(row.op for row in ops.rows if row.opcode == "dot")
    assert "giving f32[64,64]" in (feed.explanation(program, None, product) or "")
    feed.close()


def test_dumps_hold_no_times_and_that_is_said_once(foreign: Foreign, tmp_path: Path) -> None:
    """What differs in instructions comes first."""
    for file in foreign.dump.glob("*after_optimizations.txt"):
        text = file.read_text()
        if "HloModule jit_norm" in text:
            more = "%more (p: f32[2]) -> f32[2] {\n  ROOT %p = f32[2]{0} parameter(0)\n}\n\n"
            text = text.replace("ENTRY ", f"{more}ENTRY ", 1)
        (tmp_path / file.name).write_text(text)
    a, b = open_sides(str(foreign.dump), str(tmp_path))
    with a.source, b.source:
        found = compare(a, b)
    assert found.notes == ("A and B hold no times: only what XLA made of the programs is compared.",)
    assert [each.function for each in found.programs[:2]] == ["norm", "norm"] and found.programs[0].opcodes
    assert all(each.note is None and each.verdict is None for each in found.programs)
    shown = render("compare", found, whole=True)
    assert "verdict" not in shown and "fusions" in shown and "too few calls" not in shown


def test_what_may_not_be_read_keeps_nobody_from_the_rest(
    foreign: Foreign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of a dump, a folder beside a profile; root may read all, so it is the calls that refuse."""
    locked = tmp_path / "locked"
    locked.mkdir()
    shutil.copy(foreign.file, tmp_path / "a.xplane.pb")
    (secret,) = foreign.dump.glob("*jit_loss*after_optimizations.txt")
    read_bytes, iterdir = Path.read_bytes, Path.iterdir

    def refuse(path: Path) -> bytes:
        if path == secret:
            raise PermissionError(13, "Permission denied", str(path))
        return read_bytes(path)

    def refuse_folder(path: Path) -> Iterator[Path]:
        if path == locked:
            raise PermissionError(13, "Permission denied", str(path))
        return iterdir(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    monkeypatch.setattr(Path, "iterdir", refuse_folder)
    with open_source(foreign.dump) as source:
        assert query("graph", source).nodes and query("graph", source).program != "jit_loss"
        with pytest.raises(ViewError, match=r"jit_loss.*cannot be read: Permission denied") as caught:
            query("graph", source, program="loss")
        assert caught.value.exit_code == 3
    assert totals(tmp_path) == totals(foreign.file)
