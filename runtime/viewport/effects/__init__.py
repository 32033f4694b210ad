"""Image effects over the G-buffer: learned contact shading, and users' own ONNX networks."""
