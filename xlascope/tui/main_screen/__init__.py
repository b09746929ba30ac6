"""The parts of the main screen: panes and their places, one cursor, keys, switches, explanations."""
