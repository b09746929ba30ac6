# not a script
NAME = "a relative import"
