"""Programs on several devices: how arrays lie, what devices exchange, how plans rank."""
