"""The graph of a module: groups that open in place, a cursor that moves along edges, only the visible rows drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.message import Message
from textual.strip import Strip

from xlascope.tui.actions import bindings
from xlascope.tui.glyphs import UNICODE, Glyphs
from xlascope.tui.text.numbers import counted, duration
from xlascope.tui.text.safe import safe
from xlascope.tui.widgets.graph_moves import GraphMoves
from xlascope.tui.widgets.graph_search import GraphSearch
from xlascope.tui.widgets.graph_ways import MAP_WIDTH, GraphWays
from xlascope.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from xlascope.graphs.folds import Folds
    from xlascope.graphs.layout import Placed, PlacedBox
    from xlascope.graphs.model import Graph
    from xlascope.graphs.paths import Way
    from xlascope.graphs.render import RowIndex

_BLOCK = 32
_ROLES = {
    "wire": "dim", "label": "shape", "border": "text", "border.hot": "bar_hot", "border.cursor": "accent",
    "border.group": "dim", "mark": "accent", "name": "define", "opcode": "op", "shape": "shape", "percent": "text",
    "heat": "bar_hot", "root": "keyword", "folded": "dim", "stub": "dim", "added": "added", "marked": "accent",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a picture is made of; one that is no longer asked for is not shown."""

    opened: frozenset[str]
    compact: bool
    hops: int | None
    folds: Folds


class GraphPane(GraphSearch, GraphWays, GraphMoves, LineView):
    """A stage's graph with heat. It holds which groups are open and which box the cursor is on.

    ``stage`` is the stage it is of, ``of`` the program and variant.
    """

    HELP = (
        "The graph of a stage: parameters at the top, ROOT at the bottom, fusions, loops, calls and name scopes as "
        "boxes that open in place. Heavy borders are the hottest 80 % of the self time, the double border is the "
        "cursor, ◆ is what is marked, ⇢ and ⇠ name a user or an operand that no line leads to, ⇣ is a value that comes "
        "from outside of a scope. At the right edge: where in the whole you are, and where its time is."
    )
    SCOPES = ("graph", "list")
    BINDINGS = bindings("graph")

    class NodeChosen(Message):
        """The cursor is on another box: `node` is an instruction, equation or group, `nodes` all it stands for."""

        def __init__(self, view: GraphPane, node: str, nodes: list[str]):
            super().__init__()
            self.view, self.node, self.nodes = view, node, nodes

    class NothingInside(Message):
        """Enter on a box that is no group."""

        def __init__(self, view: GraphPane):
            super().__init__()
            self.view = view

    class StageWanted(Message):
        """The user wants the graph of the next stage that has one."""

        def __init__(self, view: GraphPane):
            super().__init__()
            self.view = view

    class WayFound(Message):
        """A way (None: there is none) was looked for."""

        def __init__(self, folds: Folds, way: Way | None, what: str):
            super().__init__()
            self.folds, self.way, self.what = folds, way, what

    class _Laid(Message):
        def __init__(self, placed: Placed, asked: _Asked):
            super().__init__()
            self.placed, self.asked = placed, asked

    class _Unlaid(Message):
        def __init__(self, asked: _Asked, text: str):
            super().__init__()
            self.asked, self.text = asked, text

    def __init__(self, *, id: str | None = None, classes: str | None = None, glyphs: Glyphs = UNICODE):
        super().__init__(id=id, classes=classes, glyphs=glyphs)
        self.graph: Graph | None = None
        self.opened: frozenset[str] = frozenset()
        self.box: str | None = None
        self.tell_when_laid = False
        self.when_laid: Callable[[], None] | None = None
        """Whether the next picture's cursor is one that the user put there."""
        self.forget_columns()
        self.compact = False
        self.stage = "optimized"
        self.of: tuple[str | None, str | None] = (None, None)
        self.folds: Folds | None = None
        self._placed: Placed | None = None
        self._index: RowIndex | None = None
        self._blocks: dict[tuple[int, str | None, int, int], list[list[tuple[str, str]]]] = {}
        self._placeholder = "no graph yet"
        self._width_laid = 0

    # data

    def set_graph(self, graph: Graph | None, placeholder: str = "no graph yet") -> None:
        """Another graph, collapsed, the cursor on its hottest box; the same one with new times keeps what is open."""
        same = graph is not None and self.graph is not None and graph.name == self.graph.name
        same = same and len(graph.nodes) == len(self.graph.nodes)  # type: ignore[union-attr]
        self.graph, self._placeholder, self.folds = graph, placeholder, None
        if not same:
            self.opened, self.box, self.hops = frozenset(), None, None
            self.ends, self._start, self._said, self.way = frozenset(), None, "", None
            self.forget_columns()
            self.tell_search()
        if graph is None:
            self._placed = None
            self._blocks.clear()
            self.rows_changed(keep_scroll=False)
        else:
            self.lay_out()

    def set_placeholder(self, text: str) -> None:
        """What is shown while there is no graph."""
        if text != self._placeholder:
            self._placeholder = text
            if self._placed is None:
                self.rows_changed()

    def show_node(self, node: str) -> bool:
        """Puts the cursor on the box that stands for a node, without telling; False if there is none."""
        box = self.box_of(node)
        if box is None:
            return False
        self._move(box, tell=False)
        return True

    def begin_at(self, node: str) -> None:
        """Puts the cursor on a node without telling, as soon as the graph is laid out."""
        if not self.show_node(node):
            self.box = node

    def box_of(self, node: str) -> str | None:
        """The box on the picture that stands for a node."""
        if self._placed is None:
            return None
        from xlascope.graphs.visible import shown_id

        return shown_id(self._placed.visible, node)

    @property
    def placed(self) -> Placed | None:
        """The picture, None before there is one."""
        return self._placed

    def _asked(self) -> _Asked:
        from xlascope.graphs.folds import Folds

        assert self.graph is not None
        if self.folds is None or self.folds.by_scope is not self.by_scope:
            self.folds = Folds(self.graph, self.by_scope)
        return _Asked(self.opened, self.compact, self.hops, self.folds)

    def lay_out(self) -> None:
        """Makes the picture anew in a worker."""
        if self.graph is not None and self.is_attached and self.size.width:
            asked, box = self._asked(), self.box
            width = max(self.size.width - 2 - MAP_WIDTH, 20)
            # A function of its own: Textual writes out a worker's arguments, and a graph is long.
            job = lambda: self._work(asked, box, width)  # noqa: E731
            self.run_worker(job, group="layout", exclusive=True, thread=True)

    def _work(self, asked: _Asked, focus: str | None, width: int) -> None:
        from xlascope.graphs.compact import layout_compact
        from xlascope.graphs.layout import layout
        from xlascope.graphs.visible import LIMIT, visible

        try:
            graph, folds = asked.folds.graph, asked.folds
            if asked.hops is None:
                shown = visible(graph, asked.opened, focus, folds=folds)
            else:
                centre = folds.hottest_node(focus) if focus else None
                shown = visible(graph, asked.opened, centre, LIMIT // 4, asked.hops)
            placed = (layout_compact if asked.compact else layout)(shown, width)
        except Exception as error:
            # A graph that cannot be laid out must not take the screen down; it says so in its place.
            self.post_message(self._Unlaid(asked, f"this graph could not be laid out: {type(error).__name__}: {error}"))
            return
        self.post_message(self._Laid(placed, asked))

    def _tell_laid(self) -> None:
        told, self.when_laid = self.when_laid, None
        if told is not None:
            told()

    def on_graph_pane__unlaid(self, message: _Unlaid) -> None:
        """Says in the picture's place why there is none."""
        if message.asked.folds is self.folds:
            self._tell_laid()
            self._placed, self._placeholder = None, message.text
            self._blocks.clear()
            self.rows_changed(keep_scroll=False)

    def on_graph_pane__laid(self, message: _Laid) -> None:
        """Shows a picture, if it is still the one that is wanted."""
        if self.graph is None or message.asked != self._asked():
            return
        self._placed, self._map, self._index = message.placed, None, None
        self._tell_laid()
        self.tell_search()
        self._width_laid = self.size.width
        self._blocks.clear()
        self.rows_changed()
        shown = self.box_of(self.box) if self.box is not None else None
        target = shown or self.hottest()
        self.back_to_column()
        if target is not None:
            self._move(target, tell=False)
            if self.tell_when_laid:
                self._tell()
        self.tell_when_laid = False

    # drawing

    def row_count(self) -> int:
        """Rows of the picture."""
        return self._placed.height if self._placed is not None else len(self.sentence_rows(self._placeholder))

    def content_columns(self) -> int:
        """Columns of the picture."""
        return self._placed.width if self._placed is not None else 0

    def redraw(self) -> None:
        """Draws all of the picture again."""
        self._blocks.clear()
        super().redraw()

    @property
    def view_width(self) -> int:
        """Cells of a row, without the map."""
        return super().view_width - (MAP_WIDTH if self.shows_map else 0)

    def render_line(self, y: int) -> Strip:
        """A row of the picture with the map beside it."""
        strip = super().render_line(y)
        if not self.shows_map:
            return strip
        beside = self.fitted(self.map_strip(y - self.HEADER_ROWS), MAP_WIDTH)
        return Strip([*strip, *beside], strip.cell_length + MAP_WIDTH)

    def watch_scroll_y(self, old: float, new: float) -> None:
        """The map is drawn again."""
        super().watch_scroll_y(old, new)
        self.refresh()  # the map shows where the picture is scrolled to

    def row_text(self, row: int) -> str:
        """A row as text."""
        if self._placed is None:
            return self.sentence_row(self._placeholder, row)
        return "".join(text for text, _ in self._row(row, 0, self._placed.width + 1)).rstrip()

    def _row(self, row: int, left: int, right: int) -> list[tuple[str, str]]:
        """The columns of a row from `left` up to `right`; rows are drawn and kept in blocks."""
        block = row // _BLOCK
        key = (block, self.box, left, right)
        rows = self._blocks.get(key)
        if rows is None:
            from xlascope.graphs.render import RowIndex, render

            assert self._placed is not None
            span = (block * _BLOCK, (block + 1) * _BLOCK)
            if self._index is None:
                self._index = RowIndex(self._placed)
            marked = self.marked_boxes()
            rows = render(self._placed, self.box, self.ascii_only, span, marked, self._index, (left, right)).rows
            if len(self._blocks) > 32:
                self._blocks.clear()
            self._blocks[key] = rows
        return rows[row % _BLOCK] if row % _BLOCK < len(rows) else []

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """A row as it is drawn."""
        colours = self.palette
        if self._placed is None:
            return [Segment(" " + self.sentence_row(self._placeholder, row), colours["dim"])]
        segments = []
        under = colours["cursor" if self.has_focus else "cursor_blurred"]
        for text, tag in self._row(row, self.column, self.column + width):
            name = tag.removesuffix(".cursor") if tag not in _ROLES else tag
            style = colours[_ROLES.get(name, "text")]
            if tag.endswith(".cursor") and tag != "border.cursor":
                style = under + style
            segments.append(Segment(safe(text, ascii_only=self.ascii_only), style))
        return segments

    def row_style(self, row: int, is_cursor: bool) -> Style | None:
        """Nothing: the cursor is on a box."""
        return None

    # moving

    def _move(self, box: str, *, tell: bool = True) -> None:
        if self._placed is None or box not in self._placed.by_id:
            return
        changed = box != self.box
        self.box = box
        place = self._placed.by_id[box]
        before = self.column
        self.cursor = place.y
        self._show_box(place)
        if changed or self.column != before:
            self.redraw()
        if tell and changed:
            self._tell()

    def _tell(self) -> None:
        chosen = self.chosen()
        if chosen is not None:
            self.post_message(self.NodeChosen(self, *chosen))

    def chosen(self) -> tuple[str, list[str]] | None:
        """The node or group that the cursor is on, and all nodes that it stands for."""
        if self._placed is None or self.box is None or self.box not in self._placed.by_id:
            return None
        box = self._placed.visible.boxes[self.box]
        node = box.node.id if box.node is not None else self.box
        return node, self._placed.visible.folds.nodes_in(self.box) if box.node is None else [node]

    def told_of_group(self, micro: str = "µ") -> tuple[str, str] | None:
        """Subject and sentence about a group that no instruction stands for; None on anything else."""
        chosen = self.chosen()
        if chosen is None or self._placed is None or self.box is None:
            return None
        box = self._placed.visible.boxes[self.box]
        if box.node is not None or box.group is None:
            return None
        what = "equation" if self.stage == "jaxpr" else "instruction"
        own = "" if box.self_ns is None else f", {duration(box.self_ns, micro)} of self time"
        kind = {"scope": "name scope", "part": "part of a long computation"}.get(box.group.kind, box.group.kind)
        said = f"{kind} of {counted(len(chosen[1]), what)}{own}; Enter opens or closes it"
        return box.group.label or box.group.id, said

    def _show_box(self, place: PlacedBox) -> None:
        self.show_row(min(place.y + place.height - 1, place.y + self.body_height - 1))
        self.show_row(place.y)
        width = self.view_width
        right = min(place.x + place.width, place.x + width)
        if place.x < self.column or right > self.column + width:
            self.column = max(min(place.x - 1, self.content_columns() - width + 1), 0)

    def watch_cursor(self, old: int, new: int) -> None:
        """Nothing: the cursor is a box here."""
        pass  # the cursor is a box here: `NodeChosen` tells of it

    def go_to(self, row: int, *, centre: bool = False) -> None:
        """To the first box at a row or below it."""
        if self._placed is None:
            return
        row = min(max(row, 0), self._placed.height - 1)
        boxes = sorted(self._placed.boxes, key=lambda box: (abs(box.y - row), box.x))
        if boxes:
            self._move(boxes[0].id)

    def action_compact(self) -> None:
        """One row a node, and boxes again."""
        self.compact = not self.compact
        self.lay_out()

    def action_stage(self) -> None:
        """Asks for the graph of the next stage."""
        self.post_message(self.StageWanted(self))

    def on_graph_pane_way_found(self, message: WayFound) -> None:
        """Marks the way."""
        self.show_way(message.folds, message.way, message.what)

    # mouse

    def click_row(self, x: int, row: int, again: bool) -> None:
        """Puts the cursor on the box that was clicked; again: opens it."""
        if self._placed is None:
            return
        box = self._placed.hit(x + self.column, row)
        if box is not None:
            if box == self.box:
                self.action_open_group()
            else:
                self._move(box)

    def on_resize(self) -> None:
        """Lays the picture out for another width."""
        if self._width_laid != self.size.width:
            self.lay_out()

    def on_mount(self) -> None:
        """Lays out what was set before."""
        self.lay_out()
