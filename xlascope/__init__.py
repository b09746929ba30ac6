"""xlascope: what JAX and XLA really do with a Python script, and why it is slow."""

__version__ = "0.1.0"
