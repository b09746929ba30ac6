"""What the compiler did: causes and storms of compiles, passes, machine code, times foretold."""
