"""With jit off each equation is a program of its own: the cursor links ops by their equations, not by their names."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from fixed import FixedFeed, op_rows
from hosting import settle
from on_screen import shown, text_of, until

from xlascope.tui.model import is_op_by_op
from xlascope.tui.widgets.status import ExplainLine


class OpByOp(FixedFeed):
    """Two equations are dispatched whose modules both call their one op `ynn_fusion`."""

    def _view_graph(self, program: str, variant: str | None, stage: str) -> Any:
        return None if is_op_by_op(variant) else super()._view_graph(program, variant, stage)

    def _view_ops(self, program: str | None = None, variant: str | None = None) -> Any:
        answer = super()._view_ops(program, variant)
        if is_op_by_op(variant):
            answer.rows = [
                SimpleNamespace(**{**vars(op_rows()[0]), "op": "ynn_fusion", "self_ns": ns, "total_ns": ns,
                                   "equations": (path,) if variant == "jit=off" else (), "user_line": line,
                                   "module": module})
                for path, ns, line, module in (("0", 900, 5, "jit_dot_general"), ("7", 100, 6, "jit_reduce_sum"))
            ]  # fmt: skip
            answer.variant = variant
        return answer

    def _view_equations(self, program: str | None = None, variant: str | None = None) -> Any:
        answer = super()._view_equations(program, variant)
        for row in answer.rows if is_op_by_op(variant) else ():
            took = 20 if row.path == "0" else 10
            row.state, row.estimated, row.total_ns, row.self_ns = "alone", False, took, took
        answer.op_ns = 100 if is_op_by_op(variant) else answer.op_ns
        return answer


def said(screen: Any) -> str:
    return screen.query_one(ExplainLine).said


async def test_cursors_land_on_the_equation_that_took_most_and_on_its_op():
    async with shown((120, 36), feed=OpByOp()) as (_app, pilot, screen):
        await until(pilot, lambda: said(screen).startswith("ynn_fusion.1"))
        screen.show_variant("jit=off")
        await until(pilot, lambda: "dispatched by itself" in said(screen))
        assert said(screen) == (
            "dot_general 0  20% of scores#1's equations' time; with jit off dispatched by itself: ynn_fusion")
        table = screen.ops_table()
        assert table.row_count() == 2 and table.current.equations == ("0",)
        assert screen.desk.focus.lead == ("0",) and "ynn_fusion.1" not in said(screen)
        screen.set_focus(table)
        await pilot.press("j")
        await until(pilot, lambda: screen.desk.focus.lead == ("7",))
        await settle(pilot)
        assert screen.desk.focus.place == (op_rows()[0].user_file, 6)
        assert screen.mark_ops() == [1]


async def test_where_no_op_has_an_equation_nothing_is_told_of_the_ops_before():
    async with shown((120, 36), feed=OpByOp()) as (app, pilot, screen):
        await until(pilot, lambda: said(screen).startswith("ynn_fusion.1"))
        screen.show_variant("jit=deep-off")
        await until(pilot, lambda: screen.desk.linked == ("scores#1", "jit=deep-off"))
        await settle(pilot)
        assert screen.ops_table().row_count() == 2 and "ynn_fusion.1" not in said(screen)
        assert said(screen) == "dot_general 0  20% of scores#1's equations' time; with jit off dispatched by itself"
        await pilot.press("tab", "=")
        await settle(pilot)
        told = " ".join(text_of(app).split())
        assert "20% of the time of scores#1's equations." in told
        assert "dispatched by itself and waited for" in told and "op time" not in told.partition("How this number")[2]


async def test_what_is_told_of_a_moved_cursor_is_of_the_variant_that_is_shown():
    async with shown((120, 36), feed=OpByOp()) as (_app, pilot, screen):
        await until(pilot, lambda: said(screen).startswith("ynn_fusion.1"))
        screen.set_focus(screen.ops_table())
        await pilot.press("j", "k")
        await settle(pilot)
        screen.set_focus(screen.functions())
        assert screen.desk.moved and screen.desk.focus.nodes
        screen.show_variant("jit=off")
        await until(pilot, lambda: screen.desk.linked == ("scores#1", "jit=off"))
        await settle(pilot)
        assert not screen.desk.focus.nodes and screen.desk.focus.lead == ("0", "1", "5", "6")
        assert screen.mark_ops() == [0]


async def test_ops_of_the_script_are_not_told_as_those_of_a_variant_that_was_not_profiled():
    feed = OpByOp()
    feed._view_ops = FixedFeed()._view_ops
    async with shown((120, 36), feed=feed) as (_app, pilot, screen):
        await until(pilot, lambda: said(screen).startswith("ynn_fusion.1"))
        screen.show_variant("jit=off")
        await until(pilot, lambda: "dispatched by itself" in said(screen))
        assert screen.desk.ops.variant is None
        assert said(screen) == "dot_general 0  20% of scores#1's equations' time; with jit off dispatched by itself"
