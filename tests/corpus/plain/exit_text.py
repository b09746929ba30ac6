import sys

sys.exit("text for the standard error")
