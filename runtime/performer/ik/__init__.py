"""Two-bone legs and planted feet."""
