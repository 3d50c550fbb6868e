"""Which entry of a trust list a certificate reaches, and what browsers make of it."""
