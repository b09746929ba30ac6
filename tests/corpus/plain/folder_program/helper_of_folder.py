# not a script
NAME = "helper beside __main__.py"
