"""Explain why innovaphone phones and gateways fail to register: certificates, trust and names of a whole fleet."""
