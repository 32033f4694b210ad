"""Keys, who is let in, who was refused."""
