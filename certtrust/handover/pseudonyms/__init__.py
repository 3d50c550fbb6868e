"""Copies of fleets that give nothing away: other names, other keys, the same verdicts."""
