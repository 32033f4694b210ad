"""Voice to face: a small recurrent network, trained on Debian's speech engines."""
