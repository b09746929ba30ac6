"""What the screen shows, made from views in workers, and asked for no faster than the machine bears."""
