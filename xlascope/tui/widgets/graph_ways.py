"""What the graph pane marks and cuts out: a neighbourhood, the critical path, the way between two nodes; its map."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rich.segment import Segment
from textual.strip import Strip

from xlascope.tui.text.numbers import duration

if TYPE_CHECKING:
    from xlascope.graphs.folds import Folds
    from xlascope.graphs.paths import Way
    from xlascope.tui.widgets.graph_pane import GraphPane

FIRST_HOPS = 2
_MOST_HOPS = 20
MAP_WIDTH = 3
_HEAT = " ░▒▓█"
_HEAT_ASCII = " .:+#"


class GraphWays:
    """The part of a `GraphPane` that finds ways. ``hops`` is the size of the neighbourhood shown, None: all."""

    hops: int | None = None
    by_scope = True
    with_map = True
    ends: frozenset[str] = frozenset()
    way: Way | None = None
    """The way that is marked."""
    way_is = ""
    _start: str | None = None
    _said = ""
    _map: list[float | None] | None = None

    @property
    def _pane(self) -> GraphPane:
        return cast("GraphPane", self)

    # keys

    def action_around(self) -> None:
        """Only what is near the cursor, and all again."""
        self.hops = FIRST_HOPS if self.hops is None else None
        self._pane.lay_out()

    def action_hops(self, step: int) -> None:
        """A larger or smaller neighbourhood."""
        if self.hops is not None:
            self.hops = min(max(self.hops + step, 1), _MOST_HOPS)
            self._pane.lay_out()

    def action_scopes(self) -> None:
        """Long levels folded by the user's names, or by runs of instructions only."""
        self.by_scope = not self.by_scope
        self._pane.opened = frozenset()
        self._pane.lay_out()

    def action_map(self) -> None:
        """The map at the right edge, and without."""
        self.with_map = not self.with_map
        self._pane.redraw()

    def action_critical(self) -> None:
        """Marks the critical path of the computation that the cursor is in; again: no more."""
        folds, chosen = self._pane.folds, self._pane.chosen()
        if self.ends or folds is None:
            self.clear_ways()
            return

        def job() -> None:
            from xlascope.graphs.paths import critical_path

            group = folds.computation_of(chosen[0]) if chosen is not None else None
            self._pane.post_message(self._pane.WayFound(folds, critical_path(folds, group), "critical path"))

        self._pane.run_worker(job, group="way", exclusive=True, thread=True)

    def action_way(self) -> None:
        """Marks the cursor's node as one end; on another node: the way between the two."""
        pane, folds, chosen = self._pane, self._pane.folds, self._pane.chosen()
        if folds is None or chosen is None or pane.box is None:
            return
        # A name at the top of a fold is a box of the picture alone: what it names is the end.
        node = chosen[0]
        start = self._start
        known = start is not None and (folds.group(start) is not None or start in folds.graph.node_by_id)
        if start is None or start == node or not known:
            self.clear_ways()
            self._start, self.ends = node, frozenset({pane.box})
            self._say("one end; ' on another node: the way")
            pane.redraw()
            return
        self._start = None

        def job() -> None:
            from xlascope.graphs.paths import path_between

            pane.post_message(pane.WayFound(folds, path_between(folds, start, node), "way"))

        pane.run_worker(job, group="way", exclusive=True, thread=True)

    def show_way(self, folds: Folds, way: Way | None, what: str) -> None:
        """Marks what was found; says how long it is."""
        if folds is not self._pane.folds:
            return
        if way is None:
            self.ends, self.way = frozenset(), None
            nothing = "nothing was timed" if what == "critical path" else "no value goes from one to the other"
            self._say(f"{what}: {nothing}")
        else:
            self.ends, self.way, self.way_is = frozenset(way.nodes), way, what
            self._say(f"{what} {_told(way, what == 'way')}; n N along it, = lists it")
        self._pane.redraw()

    def clear_ways(self) -> bool:
        """Takes marks away, then shows all again; False if there was nothing."""
        had = bool(self.ends or self._start is not None)
        self.ends, self._start, self.way = frozenset(), None, None
        self._say("")
        if not had and self.hops is not None:
            self.hops, had = None, True
            self._pane.lay_out()
        elif had:
            self._pane.redraw()
        return had

    def step_way(self, step: int) -> bool:
        """Along the way that is marked, node by node; False where none is."""
        if self.way is None:
            return False
        pane = self._pane
        boxes = [pane.box_of(node) or node for node in self.way.nodes]
        stops = list(dict.fromkeys(boxes))
        at = stops.index(pane.box) + step if pane.box in stops else 0 if step > 0 else len(stops) - 1
        target = stops[min(max(at, 0), len(stops) - 1)]
        if pane.box_of(target) == target:
            pane._move(target)
        else:
            pane.go_to_node(self.way.nodes[boxes.index(target)])
        return True

    def way_account(self) -> list[str] | None:
        """The nodes of the way that is marked with their times; None where none is."""
        folds, way = self._pane.folds, self.way
        if folds is None or way is None:
            return None
        from xlascope.graphs.paths import self_ns

        said = [f"{self.way_is}: {_told(way, self.way_is == 'way')}", ""]
        for node in way.nodes:
            held = folds.graph.node_by_id.get(node)
            own = self_ns(folds, node)
            name = f"{held.name or held.id}  {held.opcode}" if held is not None else node
            said.append(f"{'?' if own is None else duration(own):>10}  {name}")
        return [*said, "", "Self times of the profile windows; a box that holds others counts with all that is in it."]

    def _say(self, text: str) -> None:
        self._said = text
        self._pane.tell_search()

    def said(self) -> list[str]:
        """What is marked or left out, for the title."""
        around = [f"{self.hops} hop{'' if self.hops == 1 else 's'} around"] if self.hops is not None else []
        return [*around, *([self._said] if self._said else [])]

    def marked_boxes(self) -> frozenset[str]:
        """The boxes on the picture that are, or hold, what is marked."""
        boxes = (self._pane.box_of(node) for node in self.ends)
        return frozenset(box for box in boxes if box is not None)

    # the map

    @property
    def shows_map(self) -> bool:
        """Only where the picture is longer than the pane."""
        return self.with_map and self._pane.row_count() > self._pane.body_height > 0

    def map_strip(self, line: int) -> Strip:
        """One line of the map: how hot that part of the picture is, and whether it is in sight."""
        from xlascope.graphs.minimap import minimap, viewport

        pane = self._pane
        placed, lines = pane.placed, pane.body_height
        if placed is None or not 0 <= line < lines:
            return Strip.blank(MAP_WIDTH, pane.base_style)
        if self._map is None or len(self._map) != lines:
            self._map = minimap(placed, lines)
        first, stop = viewport(pane.first_visible, lines, placed.height, lines)
        share = self._map[line]
        heats = _HEAT_ASCII if pane.ascii_only else _HEAT
        level = 0 if not share else min(1 + int(share * 5), 4)
        colours = pane.palette
        edge = ("|" if pane.ascii_only else "┃") if first <= line < stop else ("." if pane.ascii_only else "│")
        edge_style = colours["accent" if first <= line < stop else "dim"]
        cells = [Segment(" "), Segment(edge, edge_style), Segment(heats[level], colours["bar_hot"])]
        return Strip(cells, MAP_WIDTH).apply_style(pane.base_style)


def _told(way: Way, of_ends: bool) -> str:
    """How long a way is; ``of_ends``: whether it is one between two ends, which are told in the order of values."""
    size = f"{len(way.nodes)} node{'' if len(way.nodes) == 1 else 's'}"
    if of_ends and len(way.nodes) == 1:
        size += ", both ends lie in it"
    elif of_ends:
        size += " from the second end to the first" if way.backwards else " from the first end to the second"
    if way.ns is None:
        return size
    if not way.of_ns:
        return f"{size}, {duration(way.ns)}"
    return f"{size}, {duration(way.ns)} of {duration(way.of_ns)} ({way.ns / way.of_ns:.0%})"
