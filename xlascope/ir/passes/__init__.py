"""What XLA's passes did to a module, from the forms it had between them."""

from xlascope.ir.passes.diff import Difference, compare
from xlascope.ir.passes.durations import Event
from xlascope.ir.passes.form import Form, Texts
from xlascope.ir.passes.history import Happening, equation_history, equation_remains, instruction_history
from xlascope.ir.passes.known import SHIPPED_PASSES
from xlascope.ir.passes.names import START, Step, read_step
from xlascope.ir.passes.sequence import Pass, PassSequence, Snapshot

__all__ = [
    "SHIPPED_PASSES",
    "START",
    "Difference",
    "Event",
    "Form",
    "Happening",
    "Pass",
    "PassSequence",
    "Snapshot",
    "Step",
    "Texts",
    "compare",
    "equation_history",
    "equation_remains",
    "instruction_history",
    "read_step",
]
