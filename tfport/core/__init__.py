"""The host side of TensorFlow's core runtime: what a model is, what ships of it, what it needs."""
