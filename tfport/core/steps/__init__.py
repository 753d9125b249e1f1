"""What the recipes of TensorFlow's core do: exported with them, and run by Conan's interpreter."""
