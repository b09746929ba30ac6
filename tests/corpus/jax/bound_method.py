# captured: Model.run
import jax


class Model:
    factor = 2.0

    def run(self, x):
        return x * self.factor


model = Model()
fast = jax.jit(model.run)
print(fast(3.0), fast.__name__, fast.__wrapped__ == model.run)
