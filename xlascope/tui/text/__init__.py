"""Text without a screen: line indexes, tokens by meaning, safe characters, numbers for people."""
