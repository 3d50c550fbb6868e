"""Sites with certificates of every kind, served locally and opened by a real Chromium."""
