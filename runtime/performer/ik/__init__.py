"""Two-bone inverse kinematics, and the legs that are bent by it."""
