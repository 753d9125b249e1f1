"""Runs in the guest: ncnn on one thread. MODEL INPUT.npy OUTPUT.npy ROUNDS INPUT_BLOB OUTPUT_BLOB.

0 rounds: everything but ncnn's model, to tell what the interpreter alone costs.
"""

import json
import sys
import time

import memory
import ncnn
import numpy as np


def look():
    """At the clock that nobody else looks at, Python included."""
    time.clock_gettime(time.CLOCK_MONOTONIC_RAW)


def main(model, source, result, rounds, first, last):
    # ncnn keeps channels outermost.
    values = np.ascontiguousarray(np.load(source)[0].transpose(2, 0, 1), dtype=np.float32)
    before = memory.in_use()
    if not int(rounds):
        return
    net = ncnn.Net()
    net.opt.num_threads = 1
    # Half-precision weights and activations would not be the same computation.
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage = False
    net.load_param(model)
    net.load_model(model.replace(".param", ".bin"))
    for _ in range(int(rounds)):
        look()  # the profiler sees an inference begin and end by it
        extractor = net.create_extractor()
        extractor.input(first, ncnn.Mat(values))
        _, scores = extractor.extract(last)
        look()
    np.save(result, np.array(scores))
    print(json.dumps({"heap_bytes": memory.in_use() - before}))


main(*sys.argv[1:])
