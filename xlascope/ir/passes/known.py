"""Passes of XLA by name, seen in compiles for CPU (JAX 0.10 and 0.12) and for an H100: not all that there are."""

from __future__ import annotations

_NAMES = """
    algsimp all-reduce-promotion all_to_all_decomposer apply-xla-transforms apply-xla-transforms-0
    apply-xla-transforms-1 apply-xla-transforms-10 apply-xla-transforms-2 apply-xla-transforms-3
    apply-xla-transforms-4 apply-xla-transforms-5 apply-xla-transforms-6 apply-xla-transforms-7
    apply-xla-transforms-8 apply-xla-transforms-9 associative-scan-rewriter async-collective-creator
    async-collective-custom-call-rewriter async-collective-replacer async-to-sync-converter
    batch-dot-simplification batched_gather_scatter_normalizer batchnorm_expander bitcast_dtypes_expander
    block-scaling-rewriter broadcast_canonicalizer call-inliner change-op-data-type cholesky_expander
    collectives-schedule-linearizer comparison-expander computation-deduplicator conditional-canonicalizer
    conditional-to-select config-assigner constant-fill-copy-rewriter constant_folding control-dep-rewriter
    conv-fp8-fallback convert-mover convert_triton_gemm_config convolution-canonicalization
    convolution-group-converter copy-insertion cpu-all-reduce-combiner cpu-parallel-task-assigner cse
    cse_barrier_expander cudnn-custom-call-converter dce degenerate-dimension-rewriter dot-library-rewriter
    dot-merger dot_decomposer dus-accumulator-zero-init-elimination dynamic-dimension-simplifier
    dynamic-index-splitter dynamic-slice-annotator dynamic_padder eigh_expander embedded-while-loop-unroller
    flatten-call-graph float-normalization-bf16 float-normalization-f4e2m1fn float-normalization-f8e3m4
    float-normalization-f8e4m3 float-normalization-f8e4m3b11fnuz float-normalization-f8e4m3fn
    float-normalization-f8e4m3fnuz float-normalization-f8e5m2 float-normalization-f8e5m2fnuz
    float-normalization-f8e8m0fnu float-normalization-s4 float-normalization-u4 fusion gather_expander
    gather_simplifier gemv-rewriter gpu-convert-async-collectives-to-sync gpu_horizontal_input_fusion
    gpu_horizontal_loop_fusion hlo_host_device_type_call_wrapper hoist-fused-bitcasts host_compute_asyncifier
    layout-assignment legalize-collective-domain legalize-scheduling-annotations literal-canonicalizer
    logistic-expander map-inline move_copy_to_users multi_output_fusion nullary-function-wrap-inliner
    operand_upcaster optimize_input_output_buffer_alias pdl-launch-annotation permutation_sort_simplifier
    priority-fusion propagate-call-metadata qr_expander ragged_dot_rewriter reduce-decomposer
    reduce-window-resizer reduce-window-rewriter reduction-dimension-grouper rematerialization
    rename-instructions rename_fusions reshape-decomposer reshape-mover result_caster rng-bit-generator-expander
    rng-expander sanitize-constant-names scan_expander scatter_expander scatter_simplifier
    scheduling-instruction-annotator select_and_scatter_expander shape-canonicalizer sharding-remover shardy-xla
    simplify-conditional simplify-sorts simplify-while-loops small-while-loop-hoisting softmax-rewriter-triton
    splitk-rewriter stochastic_convert_decomposer stream-attribute-annotator strip-memory-placement-annotations
    sub-byte-collective-normalization sub-byte-size-setter topk-decomposer topk-rewriter tpu_fusion
    tpu_multi_output_fusion transpose-folding tree_reduction_rewriter triangular-solve-rewriter
    triangular_solve_expander triton-gemm-rewriter triton-softmax-rewriter tuple-simplifier variadic-op-splitter
    while-loop-constant-sinking while-loop-invariant-code-motion while-loop-trip-count-annotator
    windowed-einsum-handler zero_sized_hlo_elimination
"""
SHIPPED_PASSES = frozenset(_NAMES.split())
