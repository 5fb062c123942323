"""Runs whole processes on demand and measures their wall time and peak memory.

    {"run": [program, arguments …], "folder"} → {"milliseconds", "mebibytes", "status"}
"""

import json
import os
import sys
import time

for line in sys.stdin:
    order = json.loads(line)
    started = time.perf_counter()
    # The output goes to a pipe that is read to its end, as in CI.
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(writing, 1)
        os.close(reading)
        os.chdir(order["folder"])
        os.execvp(order["run"][0], order["run"])
    os.close(writing)
    while os.read(reading, 65536):
        pass
    os.close(reading)
    _, status, usage = os.wait4(pid, 0)
    milliseconds = (time.perf_counter() - started) * 1e3
    answer = {"milliseconds": milliseconds, "mebibytes": usage.ru_maxrss / 1024, "status": os.waitstatus_to_exitcode(status)}
    print(json.dumps(answer), flush=True)
