"""Foreign and damaged texts of every kind: nothing is raised, nothing is lost, nothing takes long."""

from __future__ import annotations

import random

import pytest
from hlo_survival import HLO, ODD, PAIRS, damaged, survives

from xlascope.ir import parse_hlo
from xlascope.tui.text.explaining import explain_row
from xlascope.tui.text.folds import find_folds
from xlascope.tui.text.following import following
from xlascope.tui.text.hiding import shown
from xlascope.tui.text.lines import TextLines

LONG = 100_000


def test_foreign_texts_are_understood():
    for text in HLO:
        module = parse_hlo(text)
        assert module.problems == [] and len(module) >= 3
    odd = parse_hlo(ODD)
    assert odd.get("start").called == {"calls": ("wrapped",)}
    assert odd.computation("wrapped").execution_thread == "side"
    assert odd.get("w").trip_count == 3 and odd.get("e").operand_refs == (("w", 1),)


@pytest.mark.parametrize("part", range(4))
def test_two_thousand_damaged_texts(part):
    chance = random.Random(part)
    seeds = [(kind, seed) for kind, texts in PAIRS for seed in texts]
    for number in range(500):
        kind, seed = seeds[number % len(seeds)]
        survives(kind, damaged(seed, chance))


def test_bytes_that_are_no_text():
    chance = random.Random(7)
    for _ in range(20):
        survives("hlo", bytes(chance.randrange(256) for _ in range(400)).decode("utf-8", "surrogateescape"))


@pytest.mark.parametrize(
    "line",
    [
        "%b = f32[] add(" + "%a, " * LONG,
        "%b = f32[] add(%a), metadata={" + 'op_name="' * LONG,
        "%b = f32[] add(%a)" + ", metadata={" * LONG,
        "%b = f32[] add(%a)" + ', backend_config="' * LONG,
        "%b = (" + "(f32[], " * LONG + ") tuple(%a)",
        "%b = f32[] constant(" + "{" * LONG,
        "%0 = stablehlo.constant dense<" * (LONG // 20),
        "%0 = stablehlo.add %a, %a : tensor<f32> " + "loc(" * LONG,
        "%0 = stablehlo.add " + "%a " * LONG + ": " + "tensor<" * LONG,
        'mhlo.sharding = "' * (LONG // 10),
        "a:f32[] = mul[" + "x=(" * LONG,
        "a:f32[] = mul " + "b " * LONG,
        "a:f32[] " * (LONG // 8),
        "{ lambda ; " * (LONG // 8),
        "[" * LONG,
        "%" * LONG,
    ],
    ids=range(16),
)
def test_long_lines_in_panes(line):
    """What would take time that grows with the square of the length would run into the suite's time-out."""
    for language in ("hlo", "stablehlo", "jaxpr"):
        source = TextLines("ENTRY %e () -> f32[] {\n  " + line + "\n}\n")
        folds = find_folds(source, language)
        shown(source.line(1), language)
        links = following(source, folds, language)
        assert all(0 <= row < 3 for row in (*links.used(1), *links.users(1)))
        explain_row(source, folds, language, 1)


def test_many_nested_folds():
    depth = 20_000
    opening = "".join(f"{' ' * (level % 50)}%{level} = while[\n" for level in range(depth))
    source = TextLines(opening + "]\n" * depth)
    folds = find_folds(source, "jaxpr")
    assert len(folds) == depth - 1  # the outermost holds the whole text
    folds.close_all(True)
    assert folds.shown == 3
    assert sum(1 for _ in folds.around(depth - 1)) == depth - 1
