"""A ranked plan of actions, each tried on a copy of the fleet."""
