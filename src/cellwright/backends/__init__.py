"""What computes a layer: three backends, the choice between them, and what stands around a call."""
