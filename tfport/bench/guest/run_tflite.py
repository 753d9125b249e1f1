"""Runs in the guest: tflite-runtime on one thread. MODEL INPUT.npy OUTPUT.npy ROUNDS.

0 rounds: everything but the model, to tell what the interpreter alone costs.
"""

import json
import sys
import time

import memory
import numpy as np
from tflite_runtime.interpreter import Interpreter


def look():
    """At the clock that nobody else looks at, Python included."""
    time.clock_gettime(time.CLOCK_MONOTONIC_RAW)


def main(model, source, result, rounds):
    values = np.load(source)
    before = memory.in_use()
    if not int(rounds):
        return
    interpreter = Interpreter(model_path=model, num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
    for _ in range(int(rounds)):
        look()  # the profiler sees an inference begin and end by it
        interpreter.invoke()
        look()
    np.save(result, interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    print(json.dumps({"heap_bytes": memory.in_use() - before}))


main(*sys.argv[1:])
