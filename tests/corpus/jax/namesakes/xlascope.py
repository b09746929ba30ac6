# not a script: the user's own module of that name
NAME = "mine"
