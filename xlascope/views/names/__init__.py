"""Programs, variants and sets of switches by what people call them."""
