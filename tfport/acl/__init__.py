"""The back end for the Arm Compute Library: a graph becomes C++ that calls its functions for NEON."""
