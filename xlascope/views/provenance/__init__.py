"""Which equation and which source line each instruction comes from, and how time is shared out by it."""
