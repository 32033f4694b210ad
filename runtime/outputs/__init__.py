"""Where frames go beside the wire: one file a protocol, each frame to datagrams, and the sender."""
