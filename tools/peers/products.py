#!/usr/bin/env python3
"""What PyTorch computes on, and how fast its own products of 2048 x 2048 floats are there, as one line of JSON.

    python3 products.py cpu|cuda

prints {"torch": its version, "device": what it computes on, "sgemm_gflops": 10^9 floating-point operations a second, two a multiply-add}.
torch is null where it or NumPy is not installed, device where this PyTorch cannot compute there.
"""
import json, sys, time

SIDE, REPEATS = 2048, 50


def found(where):
    try:
        import numpy, torch
    except ImportError:
        return {"torch": None, "device": None, "sgemm_gflops": None}
    on_card = where == "cuda"
    if on_card and not torch.cuda.is_available():
        return {"torch": torch.__version__, "device": None, "sgemm_gflops": None}
    matrix, least = torch.rand(SIDE, SIDE, device=where), float("inf")
    for _ in range(REPEATS):
        if on_card: torch.cuda.synchronize()
        started = time.perf_counter()
        matrix @ matrix
        if on_card: torch.cuda.synchronize()
        least = min(least, time.perf_counter() - started)
    device = torch.cuda.get_device_name() if on_card else f"{torch.get_num_threads()} threads"
    return {"torch": torch.__version__, "device": device, "sgemm_gflops": 2e-9 * SIDE ** 3 / least}


print(json.dumps(found(sys.argv[1])))
