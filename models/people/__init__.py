"""People: MakeHuman's CC0 body baked into arrays, and the network from measures to parameters."""
