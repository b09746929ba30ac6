"""Never imports jax."""

# captured: none
print("hello", 6 * 7)
