"""Mutated input for every function that reads strangers' files.

`python -m tests.fuzz ENTRY SECONDS [SEED]` mutates seeds and reads them for so long. All that may
come out are rows and CerttrustError, in time proportional to the input; anything else is a finding,
saved under `build/fuzz` and printed as a test case.
"""
