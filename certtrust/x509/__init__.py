"""X.509 certificates: DER in, columns out."""
