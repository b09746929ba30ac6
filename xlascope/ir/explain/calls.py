"""Custom calls: what a target is, as far as its name is known."""

from __future__ import annotations

import re

from xlascope.ir.explain.words import giving, operand
from xlascope.ir.hlo import HloInstruction, HloModule
from xlascope.ir.scan import unquote
from xlascope.ir.shapes import parse_shape

_EXACT = {
    "Sharding": "says how {a} is split over the devices; moves no data by itself",
    "SPMDFullToShardShape": "from here on each device sees only its part of {a}",
    "SPMDShardToFullShape": "from here on {a} is seen as a whole again",
    "TopK": "the {k} largest values of each row of {a} and their places",
    "AllocateBuffer": "reserves memory, {giving}",
    "AssumeGatherIndicesInBound": "promises that the indices {a} are in bounds",
    "PadToStatic": "gives {a}, whose size is known at run time, a fixed shape",
    "SliceToDynamic": "cuts {a} to a size known at run time",
    "LayoutConstraint": "asks for a layout of {a}",
    "MoveToHost": "moves {a} to the host's memory",
    "MoveToDevice": "moves {a} to the device's memory",
    "annotate_device_placement": "says in which memory {a} is kept",
    "EigenSolver": "eigenvalues and eigenvectors of {a}",
    "cu_threefry2x32_ffi": "random bits by Threefry",
    "cu_threefry2x32": "random bits by Threefry",
    "tpu_custom_call": "a Pallas or Mosaic kernel for TPU on {a}, {giving}",
    "__gpu$xla.gpu.triton": "a kernel written in Triton on {a}, {giving}",
    "triton_kernel_call": "a kernel written in Triton on {a}, {giving}",
    "mosaic_gpu": "a Mosaic kernel for GPU on {a}, {giving}",
    "mosaic_gpu_v2": "a Mosaic kernel for GPU on {a}, {giving}",
    "PartialReduce": "an approximate search of the largest values of {a}",
    "ApproxTopK": "an approximate search of the largest values of {a}",
    "X64SplitLow": "the lower 32 bits of {a}",
    "X64SplitHigh": "the upper 32 bits of {a}",
    "X64Combine": "64-bit values from two halves",
    "xla.sdy.FuncResultSharding": "says how a function's result {a} is split over the devices; moves no data by itself",
    "xla_python_cpu_callback": "calls back into Python, with {count}",
    "xla_python_gpu_callback": "calls back into Python, with {count}",
    "xla_ffi_python_cpu_callback": "calls back into Python, with {count}",
    "xla_ffi_python_gpu_callback": "calls back into Python, with {count}",
    "xla_ffi_partitioned_python_cpu_callback": "calls back into Python, with {count}",
    "xla_buffer_python_cpu_callback": "calls back into Python, with {count}",
}
# LAPACK routines by their name without type letter and library prefix: what they do to operand {a}.
_LAPACK = {
    "getrf": "LU factors of {a}",
    "potrf": "Cholesky factor of {a}",
    "geqrf": "QR factors of {a}, as reflectors",
    "geqp3": "QR factors of {a} with pivoting",
    "orgqr": "the matrix Q from the reflectors {a}",
    "ungqr": "the matrix Q from the reflectors {a}",
    "ormqr": "a product with the matrix Q of a QR factorisation",
    "syevd": "eigenvalues and eigenvectors of the symmetric matrix {a}",
    "syevj": "eigenvalues and eigenvectors of the symmetric matrix {a}",
    "heevd": "eigenvalues and eigenvectors of the Hermitian matrix {a}",
    "gesdd": "singular values and vectors of {a}",
    "gesvd": "singular values and vectors of {a}",
    "gesvdj": "singular values and vectors of {a}",
    "geev": "eigenvalues and eigenvectors of {a}",
    "gehrd": "Hessenberg form of {a}",
    "gees": "Schur form of {a}",
    "sytrd": "tridiagonal form of {a}",
    "hetrd": "tridiagonal form of {a}",
    "trsm": "solves a triangular system with {a}",
    "gtsv": "solves a tridiagonal system",
}
_PATTERNS = (
    (r"__cublas\$lt\$matmul", "matrix product of {a} and {b} by cuBLASLt, {giving}"),
    (r"__cublas\$", "matrix product of {a} and {b} by cuBLAS, {giving}"),
    (r"__cudnn\$conv", "convolution of {a} and {b} by cuDNN, {giving}"),
    (r"__cudnn\$fmha|__cudnn\$fused", "attention by cuDNN, {giving}"),
    (r"__cudnn\$norm", "normalisation of {a} by cuDNN, {giving}"),
    (r"__cusolver\$cholesky", "Cholesky factor of {a} by cuSOLVER"),
    (r"__cub\$DeviceRadixSort", "sorts {a} by CUB"),
    (r"__onednn\$matmul", "matrix product of {a} and {b} by oneDNN, {giving}"),
    (r"__onednn\$convolution", "convolution of {a} and {b} by oneDNN, {giving}"),
    (r"__onednn\$softmax", "softmax of {a} by oneDNN, {giving}"),
    (r"__onednn\$layernorm", "layer normalisation of {a} by oneDNN, {giving}"),
    (r"__onednn\$", "an operation on {a} by oneDNN, {giving}"),
    (r"__triton|triton", "a kernel compiled by Triton on {a}, {giving}"),
    (r"__nccl|nccl", "an exchange between devices by NCCL"),
)
_LAPACK_NAME = re.compile(
    r"(?:lapack_|blas_|cusolver_|hipsolver_|cublas_|hipblas_|cusolver|hipsolver)?_?([sdcz])?([a-z]+[a-z0-9]*?)(?:_batched)?(?:_ffi)?\Z"
)
_PREFIXES = ("lapack_", "blas_", "cusolver_", "hipsolver_", "cublas_", "hipblas_", "cu_", "hip_")
_TYPES = {"s": "float32", "d": "float64", "c": "complex64", "z": "complex128"}


def what_is(target: str) -> str | None:
    """A sentence with ``{a}``, ``{b}``, ``{giving}``, ``{count}`` for a target that is known; None for any other."""
    if target in _EXACT:
        return _EXACT[target]
    if target.startswith(_PREFIXES):
        name = _LAPACK_NAME.match(target)
        routine = name.group(2) if name else ""
        if name and routine in _LAPACK:
            library = "LAPACK" if target.startswith(("lapack_", "blas_")) else target.partition("_")[0]
            kind = f" in {_TYPES[name.group(1)]}" if name.group(1) else ""
            return f"{_LAPACK[routine]} by {library}{kind}"
    for pattern, sentence in _PATTERNS:
        if re.match(pattern, target):
            return sentence
    return None


def custom_call(instruction: HloInstruction, module: HloModule) -> str:
    """A call of code that is no HLO."""
    target = unquote(instruction.attributes.get("custom_call_target", '"?"'))
    sentence = what_is(target)
    if sentence is None:
        return f"calls {target}, code outside of XLA, {giving(instruction)}"
    count = len(instruction.operands)
    # Names may hold braces: they are put in one by one, not by a format.
    for key, text in {
        "{a}": operand(instruction, 0),
        "{b}": operand(instruction, 1),
        "{giving}": giving(instruction),
        "{count}": f"{count} argument{'' if count == 1 else 's'}",
        "{k}": _last_size(instruction),
    }.items():
        sentence = sentence.replace(key, text, 1)
    return f"{sentence} (custom call {target})"


def _last_size(instruction: HloInstruction) -> str:
    """The size of the last dimension of the result, of several the first."""
    shape = parse_shape(instruction.shape)
    first = shape.elements[0] if shape is not None and shape.elements else shape
    size = first.dims[-1] if first is not None and first.dims else None
    return "?" if size is None else f"{size:,}"


TELLERS = {"custom-call": custom_call}
