"""A pad's intent becomes a moving body."""
