"""Machine code of XLA's kernels on CPU: object files, disassembly, LLVM IR."""

from xlascope.ir.machine.classes import Mix, count
from xlascope.ir.machine.disassemble import ExtraMissing, Function, Instruction, disassemble
from xlascope.ir.machine.llvm import LlvmModule, split_llvm

__all__ = ["ExtraMissing", "Function", "Instruction", "LlvmModule", "Mix", "count", "disassemble", "split_llvm"]
