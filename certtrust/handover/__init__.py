"""What is handed to others: kits for those who carry out a plan, and copies to give away."""
