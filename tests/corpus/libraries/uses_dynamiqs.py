# needs: dynamiqs
import dynamiqs as dq
import jax.numpy as jnp

dq.set_progress_meter(False)
n = 8
a = dq.destroy(n)
result = dq.mesolve(a.dag() @ a, [0.3 * a], dq.coherent(n, 1.0), jnp.linspace(0, 1, 5), exp_ops=[a.dag() @ a])
print(jnp.round(result.expects.real, 4))
