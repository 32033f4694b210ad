"""Who touches what: steps of bodies, foretold; the rest comes from whoever simulates props."""
