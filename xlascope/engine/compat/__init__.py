"""Every private name of JAX and XLA that the engine uses, one function for each need (JAX 0.10 to 0.12)."""

from .arrays import (
    backend_is_up,
    default_platform_if_up,
    host_copy,
    is_array,
    is_finished,
    is_unfinished,
    key_implementation,
    unfinished,
    watch_backend_start,
)
from .behind import Behind, CallsBehind
from .executables import (
    bare_hlo,
    block_until_ready,
    compile_module,
    eager_callable,
    executable_facts,
    execute,
    first_run,
    hlo_text,
    module_id,
    object_code,
    output_shardings,
    parameter_shardings,
    peak_bytes,
    prepare_cpu_kernels,
    program_ids,
    sharding_text,
)
from .hook import (
    compiled_call_values,
    dispatch_frames,
    given_to_pmap,
    is_jitted_by_library,
    lowered_ahead,
    primitive_params,
    static_arguments,
    statics_given,
    watch_deserialized,
    watch_disable_jit,
    wrap_compile,
    wrap_compiled_call,
    wrap_lowering,
)
from .jaxprs import (
    has_ordered_effects,
    is_jaxpr,
    jaxpr_consts,
    open_jaxpr,
    printed,
    scan_counts,
    sub_jaxprs,
    with_equations,
    with_scope,
)
from .keys import (
    LEAF,
    Clears,
    Makers,
    Tree,
    argument_tree,
    parameter_names,
    placed_on,
    tracing_context,
)
from .own_use import compile_clock, unnoticed
from .profiles import (
    compile_events,
    open_profile,
    script_is_profiling,
    watch_script_profiles,
)
from .sources import (
    current_traceback,
    debug_info,
    frames,
    hide_frames,
    is_user_file,
    user_codes,
    user_frame,
    where_frames,
)
from .stablehlo import (
    aliases,
    argument_names,
    computation_module,
    export_artifact,
    exported_module,
    kept_inputs,
    located_text,
    main_function,
    module_text,
    operation_names,
    portable_bytecode,
    result_names,
    set_donation,
    set_matmul_precision,
    set_partitions,
    stablehlo_module,
    unoptimized_hlo_text,
)
from .transformations import EVALUATED, TRANSPOSE, transformations, transforming
