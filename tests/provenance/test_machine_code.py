"""Kernels, the instructions they implement, and what their machine code does."""

from __future__ import annotations

import re
import struct
import sys

import pytest
from linked_fixtures import Linked

from xlascope.cli import show
from xlascope.ir.machine import ExtraMissing, count, disassemble, split_llvm
from xlascope.ir.machine.disassemble import HOW_TO_ADD, Function
from xlascope.report.text import render
from xlascope.views import ViewError, query
from xlascope.views.compiler.machine_code import machine_code
from xlascope.views.compiler.records import machine_record
from xlascope.views.sources.stages import hlo_module

WIDTHS = {"xmm": 128, "ymm": 256, "zmm": 512}


def test_each_kernel_implements_an_instruction_of_the_module(with_kernels: Linked) -> None:
    for program in ("ode_adjoint#1", "repeated#1"):
        module = hlo_module(with_kernels.source, program)
        answer = query("machine", with_kernels.source, program=program)
        assert answer.rows and answer.note is None and module is not None
        for row in answer.rows:
            assert row.instruction is not None, row.symbol
            assert row.symbol.startswith((row.instruction, "row_major_gemv", "col_major_gemv")), row
            assert row.bytes > 0 and row.instructions > 0
            mix = row.mix
            parts = mix.vector + mix.scalar + mix.fma + mix.integer + mix.branches + mix.calls + mix.other
            assert parts == row.instructions
        # Every loop fusion of the module is there once: with a kernel of its own or one that it shares.
        inside, waiting = set(), module.of_opcode("call")
        while waiting:
            for name in [name for names in waiting.pop().called.values() for name in names]:
                inside.add(name)
                waiting += [each for each in module.computation(name).instructions if each.called]
        fusions = [each for each in module.of_opcode("fusion") if each.fusion_kind == "kLoop"]
        fusions = [each.name for each in fusions if each.computation.name not in inside]  # else a part of the call's
        having = [name for row in answer.rows for name in (row.instruction, *row.also)]
        assert {name: having.count(name) for name in fusions} == dict.fromkeys(fusions, 1)
        assert {each.instruction for each in answer.without}.isdisjoint(having)


def test_fusions_that_compute_the_same_share_a_kernel(with_kernels: Linked) -> None:
    answer = query("machine", with_kernels.source, program="repeated#1")
    shared = [row for row in answer.rows if row.also]
    assert shared and all(row.symbol.startswith("tanh_add_fusion") for row in shared)
    (kernel, *_) = shared
    module = hlo_module(with_kernels.source, "repeated#1")
    assert {module.get(name).opcode for name in (kernel.instruction, *kernel.also)} == {"fusion"}
    one = query("stage", with_kernels.source, program="repeated#1", stage="asm", instruction=kernel.also[0]).text
    assert one.startswith(f"; ===== {kernel.symbol} (of ") and one.count("; =====") == 1
    assert {path.rpartition(".")[2] for path in kernel.equations} == {"1", "2"}  # tanh and add, of each call


@pytest.mark.skipif("x86" not in __import__("platform").machine(), reason="names of x86 registers")
def test_the_widest_register_is_that_of_the_text(with_kernels: Linked) -> None:
    asm = query("stage", with_kernels.source, program="repeated#1", stage="asm").text
    after = query("stage", with_kernels.source, program="repeated#1", stage="llvm").text
    rows = {row.symbol: row for row in query("machine", with_kernels.source, program="repeated#1").rows}
    for part in asm.split("; ===== ")[1:]:
        symbol = re.split(r"[ :]", part, maxsplit=1)[0]
        named = {name: width for name, width in WIDTHS.items() if re.search(rf"\b{name}\d", part)}
        row = rows[symbol]
        assert row.mix.register == max(named, key=named.get, default=None)
        assert row.vector_bits is None or row.vector_bits <= row.widest_bits <= max(named.values())
        arithmetic = "\n".join(re.findall(r"\bv(?:add|sub|mul|div|min|max|fm\w+|fnm\w+)p[sd]\b.*", part))
        floats = [width for name, width in WIDTHS.items() if re.search(rf"\b{name}\d", arithmetic)]
        assert not floats or row.vector_bits == max(floats)
    # A loop over 64 floats that LLVM vectorized has vectors in its machine code.
    assert "<8 x float>" in after or "<16 x float>" in after
    assert all(rows[symbol].vector_bits >= 256 for symbol in rows if symbol.startswith("tanh_add_fusion"))


def test_llvm_of_a_kernel_before_and_after(with_kernels: Linked) -> None:
    source = with_kernels.source
    record = machine_record(source, "repeated#1")
    code = machine_code(source, record)
    assert {each.name for each in code.before} == {each.name for each in code.after} != set()
    fusion = next(row for row in query("machine", source, program="repeated#1").rows if row.also)
    for stage in ("llvm:before", "llvm"):
        whole = query("stage", source, program="repeated#1", stage=stage)
        (part,) = split_llvm(query("stage", source, program="repeated#1", stage=stage, instruction=fusion.symbol).text)
        assert fusion.symbol in part.symbols and part.text in whole.text
        assert set(("llvm:before", "llvm", "asm")) <= set(whole.available)
    with pytest.raises(ViewError, match="no kernel of its own"):
        query("stage", source, program="repeated#1", stage="llvm", instruction="while.5000")


def test_a_program_without_kernels_says_so(with_kernels: Linked) -> None:
    answer = query("machine", with_kernels.source, program="identity#1")
    assert not answer.rows and "no kernel" in answer.note
    assert "XLA compiled no kernel" in render("machine", answer, 100, False)


def test_without_the_extra_the_command_that_adds_it_is_told(
    with_kernels: Linked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "capstone", None)
    with pytest.raises(ExtraMissing, match=re.escape(HOW_TO_ADD)):
        disassemble(b"")
    arguments = [str(with_kernels.path), "--program", "ode_adjoint", "--no-collect"]
    assert show.main([arguments[0], "machine", *arguments[1:]]) == 0
    told = capsys.readouterr().out
    assert HOW_TO_ADD in told and "?" in told and "wrapped_broadcast" in told
    assert show.main([arguments[0], "stage", "--stage", "asm", *arguments[1:]]) == 2
    assert HOW_TO_ADD in capsys.readouterr().err


def test_what_is_no_object_file() -> None:
    for data in (b"", b"\x7fELF", b"\xcf\xfa\xed\xfe" + bytes(100), b"\x7fELF\x02\x01\x01" + bytes(57)):
        with pytest.raises(ValueError, match=r"file|machine code"):
            disassemble(data)


def test_arm_code() -> None:
    capstone = pytest.importorskip("capstone")
    from xlascope.ir.machine.disassemble import _engine, _function

    words = [
        0x4E20D400,  # fadd v0.4s, v0.4s, v0.4s
        0x4E21CC00,  # fmla v0.4s, v0.4s, v1.4s
        0x1E202820,  # fadd s0, s1, s0
        0x3DC00000,  # ldr q0, [x0]
        0x3D800000,  # str q0, [x0]
        0x94000000,  # bl
        0x91000400,  # add x0, x0, #1
        0x54000041,  # b.ne
        0xD65F03C0,  # ret
    ]
    code = b"".join(struct.pack("<I", word) for word in words)
    function = _function(capstone, _engine(capstone, "aarch64"), "aarch64", "f", code, {20: "memcpy"})
    assert function.problem is None and function.instructions[5].operands.endswith("<memcpy>")
    mix = count(function)
    assert (mix.vector, mix.scalar, mix.fma, mix.integer, mix.branches, mix.calls, mix.other) == (1, 1, 1, 1, 2, 1, 2)
    assert (mix.loads, mix.stores, mix.vector_bits, mix.register) == (1, 1, 128, "v")
    assert count(Function("empty", "aarch64", 0, ())).vector_bits is None
