"""Sets: what stands around the cast."""
