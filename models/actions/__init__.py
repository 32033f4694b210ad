"""The network of jumps and actions that buttons start."""
