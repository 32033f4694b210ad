"""What mocap lacks is acted, and handed back."""
