"""Which equations take the value of which: read from the jaxpr's text once, where somebody asks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from xlascope.graphs import Graph
from xlascope.ir import JaxprIndex


@dataclass(frozen=True)
class Values:
    """The flow of values between the equations of a program."""

    jaxpr: JaxprIndex

    @cached_property
    def graph(self) -> Graph:
        """The graph of the jaxpr, whose ids are the equations' paths."""
        from xlascope.graphs.jaxpr import build_jaxpr_graph  # of runs alone: what has no jaxpr is shown sooner

        return build_jaxpr_graph(self.jaxpr)
