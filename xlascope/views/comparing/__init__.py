"""The parts of the view ``compare``: sides, matching of programs, times, forms."""
