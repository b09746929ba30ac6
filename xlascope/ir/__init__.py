"""What the compiler's texts say: HLO modules, shapes, fusions, collectives, costs, and the jaxpr index."""

from xlascope.ir.collectives import Collective, collectives, parse_groups
from xlascope.ir.cost import Cost, cost, flops, moved_bytes
from xlascope.ir.effort import effort
from xlascope.ir.explain import explain
from xlascope.ir.frames import Frame
from xlascope.ir.fusions import Fusion, FusionSummary, fusion_summary, is_real_member
from xlascope.ir.hlo import HloComputation, HloInstruction, HloModule, Problem
from xlascope.ir.jaxpr import Equation, JaxprIndex, index_jaxpr, parent_path
from xlascope.ir.parse import parse_hlo
from xlascope.ir.shapes import Shape, dtype_bits, parse_shape, shape_bytes, short_shape

__all__ = [
    "Collective",
    "Cost",
    "Equation",
    "Frame",
    "Fusion",
    "FusionSummary",
    "HloComputation",
    "HloInstruction",
    "HloModule",
    "JaxprIndex",
    "Problem",
    "Shape",
    "collectives",
    "cost",
    "dtype_bits",
    "effort",
    "explain",
    "flops",
    "fusion_summary",
    "index_jaxpr",
    "is_real_member",
    "moved_bytes",
    "parent_path",
    "parse_groups",
    "parse_hlo",
    "parse_shape",
    "shape_bytes",
    "short_shape",
]
