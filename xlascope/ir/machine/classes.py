"""What the instructions of a function are: vector or scalar arithmetic, fused multiply-add, branches, and how wide."""

from __future__ import annotations

import re
from dataclasses import dataclass

from xlascope.ir.machine.disassemble import Function, Instruction

_X86_REGISTER = re.compile(r"\b([xyz])mm\d")
_X86_BITS = {"x": 128, "y": 256, "z": 512}
_X86_FMA = re.compile(r"vf(?:n?m(?:add|sub)|maddsub|msubadd)\w*?(ps|pd|ph|ss|sd|sh)\Z")
_X86_FLOAT = re.compile(
    r"v?(?:add|sub|mul|div|sqrt|min|max|rcp\d*|rsqrt\d*|round|rndscale|scalef|getexp|getmant|fixupimm|range|reduce|cmp\w*?"
    r"|u?comi|andn?|x?or|hadd|hsub|addsub|dp|cvt\w*?)(ps|pd|ph|ss|sd|sh)\Z"
)
_SCALAR_CONVERT = re.compile(r"v?cvtt?(?:s[sdhi]2\w+|us[dsi]2\w+)\Z")
_X86_LOGIC = re.compile(r"v?(?:andn?|x?or)p[sd]\Z")
_X86_INTEGER_VECTOR = re.compile(
    r"v?p(?:add|sub|mul|madd|and|x?or|sll|srl|sra|rol|ror|cmp|max|min|abs|avg|sad|sign|ternlog)\w*\Z"
)
_X86_INTEGER = re.compile(
    r"(?:add|sub|i?mul|i?div|and|x?or|not|neg|inc|dec|sh[lr]x?d?|sa[lr]x?|ro[lr]x?|lea|cmp|test|adc|sbb|bt\w*|popcnt"
    r"|[lt]zcnt|bs[fr]|andn|mulx|bextr|bls\w+|bzhi)\Z"
)
_ARM_VECTOR = re.compile(r"\bv\d+\.(\d+)([bhsd])")
_ARM_LANE = {"b": 8, "h": 16, "s": 32, "d": 64}
_ARM_SCALABLE = re.compile(r"\bz\d+\.[bhsd]")
_ARM_FMA = re.compile(r"f(?:n?m(?:add|sub)|ml[as])\w*\Z")
_ARM_FLOAT = re.compile(r"f(?:add|sub|mul|div|sqrt|min|max|abs|neg|cmp?|cvt|rint|abd|rec|rsq|cm)\w*|[su]cvtf\Z")
_ARM_INTEGER = re.compile(
    r"(?:adds?|subs?|mul|madd|msub|[su]div|ands?|orr|eor|orn|bics?|mvn|neg|ls[lr]v?|asr|ror|cmp|cmn|tst|cs\w+|[su]bfm|adc|sbc"
    r"|clz|rbit|[su]mull|[su]mulh|smax|smin|umax|umin|abs|addp|addv|shl|[su]shr|[su]shl|cm\w+|mla|mls|adr|adrp)\Z"
)


@dataclass(frozen=True, slots=True)
class Mix:
    """Numbers of instructions; ``vector`` to ``other`` are of one class each and add up, ``loads`` and ``stores``
    count those of any class that read or write memory.

    ``fma`` are multiply-adds, vector or scalar; ``vector`` and ``scalar`` the other floating-point arithmetic (and
    integer arithmetic in vector registers); ``integer``: that of addresses and counters. ``vector_bits``: width of the
    widest register that floating-point arithmetic on several elements uses, where there is none that of other work on
    several; ``widest_bits``: of any work on several, moves and integers included. None when nothing does. ``register``:
    the widest vector register named at all.
    """

    vector: int
    scalar: int
    fma: int
    integer: int
    branches: int
    calls: int
    other: int
    loads: int
    stores: int
    vector_bits: int | None
    register: str | None
    widest_bits: int | None = None


def count(function: Function) -> Mix:
    """The mix of a function's instructions."""
    arm = function.architecture == "aarch64"
    classes = dict.fromkeys(("vector", "scalar", "fma", "integer", "branches", "calls", "other"), 0)
    bits = floats = 0
    register, widest = None, 0
    for each in function.instructions:
        classes[_arm(each) if arm else _x86(each)] += 1
        name, wide = _register(each.operands, arm)
        if wide > widest:
            register, widest = name, wide
        if wide > bits and (arm or not _is_scalar(each.mnemonic)):
            bits = wide
        if wide > floats and _is_float_vector(each.mnemonic, arm):
            floats = wide
    return Mix(
        **classes,
        loads=sum(each.reads for each in function.instructions),
        stores=sum(each.writes for each in function.instructions),
        vector_bits=floats or bits or None,
        widest_bits=bits or None,
        register=register,
    )


def _register(operands: str, arm: bool) -> tuple[str | None, int]:
    """The widest vector register of an instruction and its bits."""
    if not arm:
        found = max(_X86_REGISTER.findall(operands), default=None)
        return (f"{found}mm", _X86_BITS[found]) if found else (None, 0)
    sizes = [int(count) * _ARM_LANE[lane] for count, lane in _ARM_VECTOR.findall(operands)]
    if _ARM_SCALABLE.search(operands):
        return "z", 129  # at least 128 bits; how many the processor decides
    return ("v", max(sizes)) if sizes else (None, 0)


# Clearing a register says nothing of how wide the work is.
_CLEARING = frozenset({"vxorps", "xorps", "vxorpd", "xorpd", "vpxor", "pxor", "vzeroupper"})
_SCALAR_MOVES = frozenset({"vmovd", "vmovq", "movd", "movq"})


def _is_scalar(mnemonic: str) -> bool:
    """Does an x86 instruction use one element of the register, or just clear it?"""
    return (
        mnemonic.endswith(("ss", "sd", "sh"))
        or mnemonic in _CLEARING
        or mnemonic in _SCALAR_MOVES
        or _SCALAR_CONVERT.match(mnemonic) is not None
    )


def _is_float_vector(mnemonic: str, arm: bool) -> bool:
    """Is it floating-point arithmetic, on several elements where its registers are wide? Logic and moves are not."""
    if arm:
        return bool(_ARM_FMA.match(mnemonic) or _ARM_FLOAT.match(mnemonic))
    found = _X86_FMA.match(mnemonic) or _X86_FLOAT.match(mnemonic)
    return found is not None and found.group(1) in ("ps", "pd", "ph") and not _X86_LOGIC.match(mnemonic)


def _x86(each: Instruction) -> str:
    name = each.mnemonic
    if each.calls:
        return "calls"
    if each.jumps or name == "ret":
        return "branches"
    if _X86_FMA.match(name):
        return "fma"
    if _SCALAR_CONVERT.match(name):
        return "scalar"
    float_kind = _X86_FLOAT.match(name)
    if float_kind:
        return "scalar" if float_kind.group(1) in ("ss", "sd", "sh") else "vector"
    if _X86_INTEGER_VECTOR.match(name) and _X86_REGISTER.search(each.operands):
        return "vector"
    return "integer" if _X86_INTEGER.match(name) else "other"


def _arm(each: Instruction) -> str:
    name = each.mnemonic
    vector = bool(_ARM_VECTOR.search(each.operands) or _ARM_SCALABLE.search(each.operands))
    if each.calls:
        return "calls"
    if each.jumps or name == "ret":
        return "branches"
    if _ARM_FMA.match(name):
        return "fma"
    if _ARM_FLOAT.match(name):
        return "vector" if vector else "scalar"
    if _ARM_INTEGER.match(name):
        return "vector" if vector else "integer"
    return "other"
