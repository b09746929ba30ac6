# not a script: as one of ours is called
import stats

NAME = "protocol beside " + stats.NAME
