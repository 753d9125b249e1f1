"""The model compiler: a graph of its own, what reads it, what makes it smaller. It knows no back end."""
