# captured: f, g
import jax
import jax.numpy as jnp


@jax.jit
def f(x, y):
    return x @ y


compiled = f.lower(jnp.ones((2, 3)), jax.ShapeDtypeStruct((3, 2), jnp.float32)).compile()
for _ in range(3):
    print(compiled(jnp.ones((2, 3)), jnp.ones((3, 2))))
print(compiled.as_text().splitlines()[0].split(",")[0], compiled.cost_analysis()["flops"])


@jax.jit
def g(x):
    return x + 1


traced = g.trace(1.0)
print(traced.jaxpr)
print(traced.lower().compile({"xla_backend_optimization_level": 0})(2.0))
