# not a script: as one of ours is called
NAME = "stats"
