"""Results -> reasons: each broken rule in words, and one certificate step by step."""
