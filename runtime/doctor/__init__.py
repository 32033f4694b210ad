"""What a machine has and lacks: libraries, graphics, network cards, firewall."""
