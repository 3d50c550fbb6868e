"""Certificates and trust lists, read from files of every shape."""
