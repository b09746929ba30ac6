# launch: -m package.absent
