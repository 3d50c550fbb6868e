"""Random fleets as files, and a plain reading of the rules to judge them by."""
