"""Mutated input for every function that reads untrusted files.

`python -m tests.fuzz ENTRY SECONDS [SEED]` mutates seeds and reads them for that time. The only
valid outcomes are rows and CerttrustError, in time proportional to the input; anything else is a
finding, saved under `build/fuzz` and printed as a test case.
"""
