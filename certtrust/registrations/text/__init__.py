"""Lines of a log and the spans within them, as positions in its bytes."""
