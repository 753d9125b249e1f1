"""``--quantize int8``: a float model made int8 from end to end, and how well the two agree."""
