# needs: diffrax
# captured: solve
import diffrax
import jax
import jax.numpy as jnp


def lorenz(t, y, args):
    a, b, c = args
    return jnp.stack([a * (y[1] - y[0]), y[0] * (b - y[2]) - y[1], y[0] * y[1] - c * y[2]])


@jax.jit
def solve(y0, args):
    return diffrax.diffeqsolve(
        diffrax.ODETerm(lorenz),
        diffrax.Tsit5(),
        t0=0.0,
        t1=1.0,
        dt0=0.01,
        y0=y0,
        args=args,
        saveat=diffrax.SaveAt(ts=jnp.linspace(0.0, 1.0, 5)),
        stepsize_controller=diffrax.PIDController(rtol=1e-5, atol=1e-5),
    )


solution = solve(jnp.array([1.0, 1.0, 1.0]), (10.0, 28.0, 8.0 / 3.0))
print(solution.ys, solution.stats["num_steps"])
