# captured: none
import jax

print(jax.device_count())
try:
    jax.config.update("jax_num_cpu_devices", 4)
except RuntimeError as error:
    print(error)
