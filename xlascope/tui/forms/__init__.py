"""The switches, the forms in which they are typed, and the checks of what is typed."""
