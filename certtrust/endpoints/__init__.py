"""Certificates fetched off the network; nothing else in the package opens a connection."""
