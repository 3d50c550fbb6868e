"""The formats of device lists, one module each."""
