"""The monitor: a stage on a page in a browser, for tablets and for whoever has no viewport."""
