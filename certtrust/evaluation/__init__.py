"""Fleet -> attempts -> results: who tries to register, and which rules hold."""
