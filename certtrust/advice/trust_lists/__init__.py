"""Trust lists in order: which entries somebody needs, and how short a list could be."""
