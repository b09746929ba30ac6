# captured: <lambda>
import jax

lowered = jax.jit(lambda x: x * 2).lower(1.0)
print(lowered.as_text())
print(jax.make_jaxpr(lambda x: x + 1)(1), jax.eval_shape(lambda x: x * 2.0, 1.0))
