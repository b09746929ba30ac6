# not a script
