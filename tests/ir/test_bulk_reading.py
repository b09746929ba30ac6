"""What is read of a whole module in one pass is what its instructions say one by one."""

from __future__ import annotations

import random

from hlo_corpus import mutate

from xlascope.ir import HloModule, parse_hlo, scan
from xlascope.ir.instruction import CALL_ROLES

ODD = """\
HloModule odd, frontend_attributes={x="metadata={op_name=\\"none\\"}"}

%f (p: f32[]) -> f32[] {
  ROOT %p = f32[] parameter(0), metadata={op_type="add" op_name="jit(f)/in_f"}
}

ENTRY %e (x: f32[]) -> f32[] {
  %x = f32[] parameter(0), metadata={op_name=""}
  %s = f32[] custom-call(%x), custom_call_target="metadata={op_name=\\"told\\"}, calls=%e", metadata={op_name="a\\"b"}
  %t = f32[] custom-call(%x), custom_call_target="calls=%e"
  %k = f32[] add(%x, %s), metadata={my_op_name="no"}
  %c = f32[] custom-call(%k), called_computations={%f, %f}, frontend_attributes={calls=%e,y="z"}
  %w = f32[] conditional(%k, %x, %x), true_computation=%f, false_computation=%f
  ROOT %r = f32[] call(%c), to_apply=%f, metadata={op_name="open
}
"""


def slowly_called(module: HloModule) -> list[dict[str, tuple[str, ...]]]:
    attributes = [each.attributes for each in module.instructions()]
    named = [{role: scan.computation_names(own.get(role, "")) for role in CALL_ROLES} for own in attributes]
    return [{role: names for role, names in each.items() if names} for each in named]


def assert_read_alike(text: str, whole: bool = True) -> None:
    """``whole``: the text is not damaged, so that its attributes are written as XLA writes them."""
    module, other = parse_hlo(text), parse_hlo(text)
    assert module.op_names() == [each.op_name for each in module.instructions()]
    assert [(each.name, each.opcode) for each in module.instructions()] == list(
        zip(module.names, module.opcodes, strict=True)
    )
    expected = slowly_called(other)
    called = [each.called for each in module.instructions()]
    assert called == expected or not whole
    assert {index for index, found in enumerate(called) if found} <= set(module.calling())
    for asked, indexed in zip(module.computations, other.computations, strict=True):
        indexed.is_used("")  # lists all users
        names = asked.names[:3]
        assert [[each.index for each in asked.users(name)] for name in names] == [
            [each.index for each in indexed.users(name)] for name in names
        ]


def test_real_modules_are_read_alike(corpus):
    for program in corpus.programs:
        assert_read_alike(program.text)


def test_strings_and_braces_hide_nothing_and_show_nothing():
    assert_read_alike(ODD)
    module = parse_hlo(ODD)
    assert module.op_names() == ["jit(f)/in_f", "", 'a"b', None, None, None, None, None]
    assert module.get("t").called == {} and module.get("s").called == {}
    assert module.get("c").called == {"called_computations": ("f", "f")}
    assert module.get("w").called == {"true_computation": ("f",), "false_computation": ("f",)}


def test_damaged_text_is_read_alike(corpus):
    chance = random.Random(5)
    texts = [program.text for program in corpus.programs if len(program.text) < 30_000]
    for _ in range(150):
        assert_read_alike(mutate(chance.choice(texts), chance), whole=False)
