# captured: work.<locals>.f
import threading

results = []


def work():
    import jax

    @jax.jit
    def f(x):
        return x + 1

    results.append(int(f(1)))


thread = threading.Thread(target=work)
thread.start()
thread.join()
print(results)
