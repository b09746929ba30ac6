# pty: also
print("\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J\x1b[H\x9b5A back\b\rcarriage\x7f")
