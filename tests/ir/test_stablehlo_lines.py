"""Lines of StableHLO find their equations in the tagged text, however a portable artifact has rewritten it."""

from __future__ import annotations

from xlascope.ir.stablehlo import link_lines, result_names

OURS = """module @jit_f {
  func.func public @main(%arg0: tensor<4xf32>) -> tensor<4xf32> {
    %cst = stablehlo.constant dense<2.0> : tensor<f32>
    %0 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<f32>) -> tensor<4xf32>
    %1 = stablehlo.multiply %0, %arg0 : tensor<4xf32>
    %2 = chlo.square %1 : tensor<4xf32> -> tensor<4xf32>
    %cst_0 = stablehlo.constant dense<2.0> : tensor<f32>
    %3 = stablehlo.broadcast_in_dim %cst_0, dims = [] : (tensor<f32>) -> tensor<4xf32>
    %4 = stablehlo.add %2, %3 : tensor<4xf32>
    return %4 : tensor<4xf32>
  }
}
"""
TAGGED = """module @jit_f {
  func.func public @main(%arg0: tensor<4xf32>) -> tensor<4xf32> {
    %cst = stablehlo.constant dense<2.0> : tensor<f32>
    %0 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<f32>) -> tensor<4xf32> loc("jit(f)/xs0_/mul")
    %1 = stablehlo.multiply %0, %arg0 : tensor<4xf32> loc("jit(f)/xs0_/mul")
    %2 = stablehlo.negate %1 : tensor<4xf32> loc("jit(f)/xs1_/square")
    %3 = stablehlo.multiply %2, %2 : tensor<4xf32> loc("jit(f)/xs1_/square")
    %4 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<f32>) -> tensor<4xf32> loc("jit(f)/xs2_/add")
    %5 = stablehlo.add %3, %4 : tensor<4xf32> loc("jit(f)/xs2_/add")
    return %5 : tensor<4xf32>
  }
}
"""


def test_merged_constants_and_expanded_operations_are_passed_over() -> None:
    found = link_lines(OURS, TAGGED)
    assert found.mismatch is None
    assert found.by_line == {4: ("0",), 5: ("0",), 6: ("1",), 8: ("2",), 9: ("2",)}


def test_what_differs_otherwise_is_told_and_nothing_after_it_is_linked() -> None:
    found = link_lines(OURS.replace("stablehlo.add", "stablehlo.subtract"), TAGGED)
    assert found.mismatch is not None and "another operation" in found.mismatch
    assert found.by_line == {4: ("0",), 5: ("0",)}, "the end of what the square became cannot be told"
    other = link_lines(OURS.replace("chlo.square", "stablehlo.sine"), TAGGED)
    assert other.mismatch is not None and set(other.by_line) == {4, 5}


def test_results_have_the_names_that_jax_gives_them() -> None:
    named = (
        r"""func.func public @main(%arg0: tensor<4xf32>) -> (tensor<4xf32> {jax.result_info = "result[0]['b'][0]", """
        r"""sdy.sharding = #sdy.sharding<@mesh, [{"x"}]>}, !stablehlo.token, tensor<4xf32> {jax.result_info = """
        r""""result[0]['it\22s\\ \C3\A9,(']"}, tensor<f32> {jax.result_info = "result[1]"}) {"""
    )
    assert result_names(f"module @jit_f {{\n  {named}\n  }}\n}}\n") == (
        "result[0]['b'][0]", "", "result[0]['it\"s\\ é,(']", "result[1]"
    )  # fmt: skip
    assert result_names(OURS) == () and result_names("module @jit_f {\n  func.func @main(%a: tensor<f32>") == ()
