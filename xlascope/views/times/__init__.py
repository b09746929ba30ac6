"""Op times of a run: its profile windows, what each view is about, and how often programs were called."""
