"""An example: beacons that send where they are, a line of text in each datagram."""
