"""What views are asked of: run files, profiles, dumps and texts, their stages, and what they lack."""
