"""The parts on made-up modules: storing, reading lines, comparing, folding loops, matching times."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlascope.ir.passes import (
    Event,
    PassSequence,
    Snapshot,
    Step,
    Texts,
    compare,
    equation_history,
    instruction_history,
    read_step,
)
from xlascope.ir.passes.durations import match_durations
from xlascope.ir.passes.lines import Instruction, read_line
from xlascope.ir.passes.sequence import find_groups
from xlascope.ir.passes.textual import unified
from xlascope.protocol.snapshots import LineStore, unpack
from xlascope.tui.screens.passes_model import PassTable, Subject, shortened, told_history
from xlascope.views.history import History, Occurrence

MODULE = """HloModule jit_f, entry_computation_layout={(f32[8]{0}, f32[8]{0})->f32[8]{0}}

%region_0.1 (a: f32[], b: f32[]) -> f32[] {
  %a = f32[] parameter(0)
  %b = f32[] parameter(1)
  ROOT %sum = f32[] add(%a, %b)
}

ENTRY %main (x: f32[8], y: f32[8]) -> f32[8] {
  %x = f32[8]{0} parameter(0)
  %y = f32[8]{0} parameter(1)
  %constant.1 = f32[] constant(0)
  %mul.1 = f32[8]{0} multiply(%x, %y), metadata={op_name="jit(f)/mul" stack_frame_id=1}
  %reduce.1 = f32[] reduce(%mul.1, %constant.1), dimensions={0}, to_apply=%region_0.1
  %broadcast.1 = f32[8]{0} broadcast(%reduce.1), dimensions={}
  %exp.1 = f32[8]{0} exponential(%broadcast.1), metadata={op_name="jit(f)/exp"}
  ROOT %add.1 = f32[8]{0} add(%exp.1, %mul.1)
}
"""


def texts_of(*modules: str) -> Texts:
    store = LineStore()
    for module in modules:
        store.add(module.encode())
    return Texts(store.lines(), store.rows())


def sequence_of(*modules: str) -> PassSequence:
    store = LineStore()
    shots = [Snapshot(Step(at, "p", f"pass-{at}", ""), store.add(text.encode())) for at, text in enumerate(modules)]
    return PassSequence(shots, Texts(store.lines(), store.rows()))


def renamed(text: str, random_: random.Random) -> str:
    """Every name another one, none twice."""
    names = list(dict.fromkeys(re.findall(r"%([\w.\-]+)", text)))
    new = {name: f"n{number}.{random_.randrange(99)}" for number, name in enumerate(names)}
    return re.sub(r"%([\w.\-]+)", lambda match: "%" + new[match[1]], text)


lines = st.lists(st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]))))


@given(lines)
def test_texts_come_back_as_they_were(found: list[list[str]]) -> None:
    texts = ["\n".join(each) for each in found]
    store = LineStore()
    numbers = [store.add(text.encode()) for text in texts]
    assert len(set(numbers)) == len(set(texts)) == len(store.counts())
    back = Texts(*unpack(*store.packed(), store.counts()))
    assert [back.text(number) for number in numbers] == texts


@pytest.mark.parametrize("lines,rows,counts", [
    (b"a", b"\0\0\0", [1]), (b"a", b"\0\0\0\0", [2]), (b"a", b"\5\0\0\0", [1]), (b"a", b"\xff\xff\xff\xff", [1]),
    (b"a", b"\0\0\0\0", [-1, 2]),
])  # fmt: skip
def test_a_damaged_store_is_refused(lines: bytes, rows: bytes, counts: list[int]) -> None:
    with pytest.raises(ValueError):
        unpack(lines, rows, counts)


@given(st.text(max_size=80), st.integers(0, len(MODULE)), st.integers(0, len(MODULE)))
def test_odd_lines_are_read_without_an_error(noise: str, start: int, stop: int) -> None:
    for text in (noise, MODULE[start:stop], MODULE[:start] + noise + MODULE[stop:]):
        texts = texts_of(MODULE, text)
        found = compare(texts, 0, len(texts) - 1)
        assert len(found.forward()) + len(found.removed) == len(texts.form(0).instructions)


def test_a_line_without_percent_signs_and_with_shapes_is_read_as_well() -> None:
    plain = read_line("  add.3 = f32[8]{0} add(f32[8]{0} x.1, y), to_apply=region_0.1")
    marked = read_line("  %add.3 = f32[8]{0} add(%x.1, %y), to_apply=%region_0.1")
    assert isinstance(plain, Instruction) and isinstance(marked, Instruction)
    assert (plain.name, plain.operands, plain.calls) == (marked.name, marked.operands, marked.calls)
    assert marked.calls == ("region_0.1",)


@given(st.integers(0, 1 << 30))
def test_names_and_metadata_do_not_count(seed: int) -> None:
    other = re.sub(r", metadata=\{.*?\}", "", renamed(MODULE, random.Random(seed)))
    texts = texts_of(MODULE, other)
    found = compare(texts, 0, 1)
    assert len(found.same) == 11 and not (found.changed or found.moved or found.removed or found.added)
    assert not sequence_of(MODULE, other).passes[1].changed


@given(st.randoms(use_true_random=False))
def test_every_instruction_is_counted_once(random_: random.Random) -> None:
    """Instructions are dropped, changed and added at random; each is accounted for on both sides."""
    lines = MODULE.splitlines()
    for _ in range(random_.randrange(6)):
        at = random_.randrange(len(lines))
        kind = random_.randrange(3)
        if kind == 0:
            del lines[at]
        elif kind == 1:
            lines[at] = lines[at].replace("f32[8]", "bf16[8]").replace("add(", "subtract(")
        else:
            lines.insert(at, f"  %new.{at} = f32[8]{{0}} negate(%mul.1)")
    texts = texts_of(MODULE, "\n".join(lines))
    after = len(texts) - 1
    found = compare(texts, 0, after)
    changed = [(x, y) for x, y, _ in found.changed]
    pairs = [*found.same, *changed, *found.moved]
    a, b = texts.form(0), texts.form(after)
    assert sorted([x for x, _ in pairs] + list(found.removed)) == list(range(len(a.instructions)))
    assert sorted([y for _, y in pairs] + list(found.added)) == list(range(len(b.instructions)))
    partner = dict(pairs)
    for x, y in found.same:
        one, other = a.instructions[x], b.instructions[y]
        assert one.form == other.form
        assert [partner.get(_at(a, x, name)) for name in one.operands] == [_at(b, y, name) for name in other.operands]
    # What was removed and added accounts for the numbers of each opcode.
    gone = [a.instructions[x].opcode for x in found.removed]
    new = [b.instructions[y].opcode for y in found.added]
    counts = texts.opcodes(0)
    counts.subtract(gone)
    counts.update(new)
    kept = [(a.instructions[x].opcode, b.instructions[y].opcode) for x, y in pairs]
    assert all(one == other for one, other in kept)
    assert +counts == texts.opcodes(after)


def _at(form, near: int, name: str):  # type: ignore[no-untyped-def]
    block = form.block_of(near)
    own = {each.name: at for at, each in enumerate(form.instructions[block.start : block.stop], block.start)}
    return own.get(name)


def test_what_changed_is_named() -> None:
    wider = MODULE.replace("%exp.1 = f32[8]", "%exp.1 = f64[8]").replace("dimensions={0}, to", "dimensions={1}, to")
    texts = texts_of(MODULE, wider.replace("add(%exp.1, %mul.1)", "add(%mul.1, %exp.1)"))
    found = compare(texts, 0, 1)
    names = {texts.form(0).instructions[x].name: what for x, _, what in found.changed}
    assert names == {"reduce.1": ("attributes",), "exp.1": ("shape",), "add.1": ("operands",)}


FUSED = MODULE.replace("ENTRY", """%fused (p: f32[8]) -> f32[8] {
  %p = f32[8]{0} parameter(0)
  ROOT %exp.9 = f32[8]{0} exponential(%p), metadata={op_name="jit(f)/exp"}
}

ENTRY""").replace('%exp.1 = f32[8]{0} exponential(%broadcast.1), metadata={op_name="jit(f)/exp"}',
                  "%fusion.1 = f32[8]{0} fusion(%broadcast.1), kind=kLoop, calls=%fused").replace(
                  "add(%exp.1", "add(%fusion.1")  # fmt: skip


def test_a_fused_instruction_was_merged_and_its_fusion_made_of_it() -> None:
    sequence = sequence_of(MODULE, FUSED, FUSED.replace("%exp.9", "%exp.10"))
    told = [(each.place, each.event, each.names, each.of) for each in instruction_history(sequence, "exp.10")]
    assert told == [(0, "created", ("exp.1",), ()), (1, "merged", ("fusion.1",), ("exp.1",))]
    told = [(each.place, each.event, each.names, each.of) for each in instruction_history(sequence, "fusion.1")]
    assert told == [(1, "created", ("fusion.1",), ("exp.1",))]
    assert instruction_history(sequence, "absent") == []


ENTRY_ALONE = """HloModule jit_f, entry_computation_layout={(f32[8]{0})->f32[8]{0}}

ENTRY %main (x: f32[8]) -> f32[8] {
  %x = f32[8]{0} parameter(0)
  %exp.1 = f32[8]{0} exponential(%x), metadata={op_name="jit(f)/xs0_/exp"}
  ROOT %neg.1 = f32[8]{0} negate(%exp.1), metadata={op_name="jit(f)/xs1_/neg"}
}
"""
ALL_FUSED = ENTRY_ALONE.replace("ENTRY %main (x:", "%fused (x:").replace("%exp.1", "%exp.2").replace("%neg.1", "%neg.2") + """
ENTRY %main.2 (x.1: f32[8]) -> f32[8] {
  %x.1 = f32[8]{0} parameter(0)
  ROOT %fusion.1 = f32[8]{0} fusion(%x.1), kind=kLoop, calls=%fused, metadata={op_name="jit(f)/xs1_/neg"}
}
"""


def test_a_fusion_that_takes_in_all_there_is_merges_it() -> None:
    """The whole computation is then the fusion's, so that nothing in it has moved."""
    sequence = sequence_of(ENTRY_ALONE, ALL_FUSED)
    for path, name in (("0", "exp.1"), ("1", "neg.1")):
        told = [(each.event, each.names, each.of) for each in equation_history(sequence, path, {"0", "1"})]
        assert told == [("created", (name,), ()), ("merged", ("fusion.1",), (name,))]
    (made,) = instruction_history(sequence, "fusion.1")
    assert (made.event, made.of) == ("created", ("exp.1", "neg.1"))
    assert [each.event for each in instruction_history(sequence, "exp.2")] == ["created", "merged"]


CALLED = """HloModule jit_f, entry_computation_layout={(f32[8]{0})->f32[8]{0}}

%inner (a: f32[8]) -> f32[8] {
  %a = f32[8]{0} parameter(0)
  ROOT %exp.1 = f32[8]{0} exponential(%a), metadata={op_name="xs2_/exp"}
}

ENTRY %main (x: f32[8]) -> f32[8] {
  %x = f32[8]{0} parameter(0)
  %call.1 = f32[8]{0} call(%x), to_apply=%inner, metadata={op_name="jit(f)/xs1_/jit(inner)"}
  ROOT %neg.1 = f32[8]{0} negate(%call.1), metadata={op_name="jit(f)/xs2_/neg"}
}
"""
INLINED = """HloModule jit_f, entry_computation_layout={(f32[8]{0})->f32[8]{0}}

ENTRY %main (x: f32[8]) -> f32[8] {
  %x = f32[8]{0} parameter(0)
  %exp.7 = f32[8]{0} exponential(%x), metadata={op_name="jit(f)/xs1_/jit(inner)/xs2_/exp"}
  ROOT %neg.1 = f32[8]{0} negate(%exp.7), metadata={op_name="jit(f)/xs2_/neg"}
}
"""


@pytest.mark.parametrize("known", [None, frozenset({"1", "1.2", "2"})])
def test_equations_of_a_function_are_those_of_its_call_also_before_it_is_inlined(known: frozenset[str] | None) -> None:
    sequence = sequence_of(CALLED, INLINED)
    assert [(each.event, each.names) for each in equation_history(sequence, "1.2", known)] == [
        ("created", ("exp.1",)), ("changed", ("exp.7",))]  # fmt: skip
    assert [(each.event, each.names) for each in equation_history(sequence, "2", known)] == [
        ("created", ("neg.1",)), ("changed", ("neg.1",))]  # fmt: skip
    assert equation_history(sequence, "3", known) == []


def test_what_was_folded_with_its_user_was_merged_into_what_took_the_place_of_both() -> None:
    before = MODULE.replace("%add.1 = f32[8]{0} add(%exp.1, %mul.1)", 'r').replace("  ROOT r", (
        '  %neg.1 = f32[8]{0} negate(%exp.1), metadata={op_name="jit(f)/neg"}\n'
        "  ROOT %add.1 = f32[8]{0} add(%neg.1, %mul.1)"))  # fmt: skip
    after = before.replace('  %exp.1 = f32[8]{0} exponential(%broadcast.1), metadata={op_name="jit(f)/exp"}\n', "").replace(
        "%neg.1 = f32[8]{0} negate(%exp.1)", "%exp.5 = f32[8]{0} exponential(%mul.1)").replace("(%neg.1,", "(%exp.5,")
    assert [(each.event, each.names) for each in instruction_history(sequence_of(before, after), "exp.1")] == [
        ("created", ("exp.1",)), ("merged", ("exp.5",))]  # fmt: skip


def test_a_common_subexpression_is_merged_and_a_dead_instruction_removed() -> None:
    twice = MODULE.replace("  ROOT %add.1", "  %exp.2 = f32[8]{0} exponential(%broadcast.1)\n"
                           "  %dead = f32[8]{0} negate(%x)\n  ROOT %add.1").replace("%exp.1, %mul.1", "%exp.1, %exp.2")  # fmt: skip
    once = MODULE.replace("%exp.1, %mul.1", "%exp.1, %exp.1")
    sequence = sequence_of(twice, once)
    assert [(each.event, each.names) for each in instruction_history(sequence, "exp.2")] == [
        ("created", ("exp.2",)), ("merged", ("exp.1",))]  # fmt: skip
    assert [(each.event, each.names) for each in instruction_history(sequence, "dead")] == [
        ("created", ("dead",)), ("removed", ("dead",))]  # fmt: skip


@given(st.lists(st.integers(0, 9), max_size=40), st.lists(st.integers(0, 9), max_size=40))
def test_applying_the_unified_difference_gives_the_other_text(a: list[int], b: list[int]) -> None:
    names = [f"line {number}" for number in range(10)]
    found = unified(names, a, b, ("a", "b"), context=1)
    assert (found == []) == (a == b)
    result, at = [], 0
    for line in found[2:]:
        if line.startswith("@@"):
            start = int(line.split()[1].partition(",")[0][1:]) - 1
            result += [names[each] for each in a[at:start]]
            at = start
        elif line.startswith("-"):
            assert line[1:] == names[a[at]]
            at += 1
        else:
            result.append(line[1:])
            if line.startswith(" "):
                assert line[1:] == names[a[at]]
                at += 1
    assert result + [names[each] for each in a[at:]] == [names[each] for each in b]


@given(st.lists(st.text("abc", min_size=1, max_size=9), min_size=1, max_size=9), st.integers(0, 60))
def test_a_long_history_keeps_its_beginning_and_its_end(parts: list[str], room: int) -> None:
    found = shortened("; ".join(parts), room)
    assert found.split("; ")[0] == parts[0] and found.split("; ")[-1] == parts[-1]
    assert len(found) <= room or len(found.split("; ")) <= 3


def test_a_long_history_keeps_its_mergers_before_mere_changes() -> None:
    told = "exp: exp.1 there before all passes; changed by inliner; exp.2 made of exp.1 by cse; changed by dce; " \
        "exp.2 merged into fusion.8 by rewriter; changed by fusion"
    short = "exp: exp.1 there before all passes; …; exp.2 merged into fusion.8 by rewriter; …"
    assert shortened(told, len(short)) == short and shortened(told, len(told)) == told
    assert shortened(told, len(told) - 1).count("…") == 1


def test_what_passes_made_of_a_lines_other_equations_is_told_beside_the_costliest() -> None:
    def event(index: int, kind: str, by: str, names: tuple[str, ...], first: bool = False) -> Occurrence:
        return Occurrence(index, "main", by, kind, names, ("of.1",) if kind == "merged" else (), first)

    answers = {
        "0": ("dot_general", [event(0, "created", "start", ("dot.1",), True), event(4, "changed", "fusion", ("dot.1",))]),
        "1": ("exp", [event(2, "merged", "rewriter", ("fusion.8",))]),
        "2": ("sub", [event(1, "merged", "cse", ("sub.1",)), event(2, "merged", "rewriter", ("fusion.8",))]),
        "3": ("mul", [event(3, "changed", "dce", ("mul.1",))]),
    }

    class Feed:
        def query(self, view: str, equation: str, **_: object) -> History:
            primitive, events = answers[equation]
            return History("f#1", None, None, equation, primitive, tuple(events), True)

    table = PassTable("f#1", None, (), None, True)
    told = told_history(Feed(), table, Subject(equation="0", others=("1", "2", "3")))
    assert told.text == "dot_general (equation 0, costliest of the line's 4): dot.1 there before all passes; " \
        "changed by fusion; of its line rewriter merged exp, sub into fusion.8; of its line cse merged sub into sub.1"
    assert told.lead == "rewriter merged exp, sub into fusion.8; cse merged sub into sub.1"
    assert told.chief == 2 and set(told.touched) == {1, 2, 4}
    alone = told_history(Feed(), table, Subject(equation="0"))
    assert alone.text == "dot_general (equation 0): dot.1 there before all passes; changed by fusion"
    assert alone.chief == 4 and alone.lead == ""
    merged = told_history(Feed(), table, Subject(equation="2"))
    assert merged.text == "sub (equation 2): of.1 merged into sub.1 by cse; of.1 merged into fusion.8 by rewriter"
    assert merged.chief == 2


def test_steps_are_read_from_names_of_files() -> None:
    assert read_step(3, "simplification.after_algsimp.before_dce") == Step(3, "simplification", "algsimp", "dce")
    assert read_step(4, "copy-insertion.after_adding_copies") == Step(4, "copy-insertion", "adding_copies", "")
    assert read_step(5, "tiling.before_rewriter") == Step(5, "tiling", "", "rewriter")
    assert read_step(6, "odd") == Step(6, "", "odd", "")


def steps(*texts: str) -> list[Step]:
    return [read_step(at, text) for at, text in enumerate(texts)]


def test_a_pipeline_that_starts_again_where_it_ended_is_a_loop() -> None:
    found = find_groups(steps(
        "outer.after_pipeline-start.before_inner", "inner.after_pipeline-start.before_a", "inner.after_a.before_b",
        "inner.after_pipeline-start.before_a", "outer.after_inner.before_c", "inner.after_pipeline-start.before_a",
    ))  # fmt: skip
    assert found == [(None, None), ("inner@1", 1), ("inner@1", 1), ("inner@1", 2), (None, None), (None, None)]


def test_times_go_to_the_run_of_the_pipeline_and_the_pass_before_the_next() -> None:
    events = [
        Event("outer (m)", 0, 1000), Event("a", 10, 5), Event("inner", 20, 300), Event("inner (m)", 21, 100),
        Event("a", 22, 7), Event("b", 40, 8), Event("a", 60, 9), Event("RunInvariantCheckers", 70, 1),
        Event("c", 80, 2), Event("inner (m)", 150, 100), Event("a", 160, 11), Event("b", 180, 12), Event("a", 200, 13),
        Event("c", 220, 3), Event("other thing", 400, 4),
    ]  # fmt: skip
    found = match_durations(steps(
        "outer.after_pipeline-start.before_a", "inner.after_pipeline-start.before_a", "inner.after_a.before_c",
        "inner.after_pipeline-start.before_a", "inner.after_a.before_b", "inner.after_c.before_pipeline-end",
        "outer.after_inner.before_other_thing", "absent.after_x.before_y",
    ), events)  # fmt: skip
    assert found == [None, None, 9, None, 11, 3, 300, None]
