"""Props that move by physics: shapes, the world that they stand in, hands that hold them."""
