# argv: --help
import argparse

argparse.ArgumentParser(description="help is the script's own").parse_args()
