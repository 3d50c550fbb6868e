"""What users read: sentences, labels and markup; one file of sentences per language."""
