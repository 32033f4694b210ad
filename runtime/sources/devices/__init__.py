"""One file a protocol: what mocap systems, phones and tracked cameras send."""
