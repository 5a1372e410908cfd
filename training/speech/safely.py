"""Work that may crash its process, spread over processes: a crash costs one result and not the run.

espeak-ng 1.51 dies of a memory error about once in thousands of utterances (lively pitch makes it
likelier). A `multiprocessing.Pool` that loses a worker waits forever for its answer. Here every worker
lets a child do the work and starts another one behind the job that killed the child.
"""

import os
import pickle
from collections.abc import Callable, Sequence
from typing import Any

from training.speech import synthesise

_CHUNK = 32  # jobs per task of a worker


def _in_children(task: tuple[Callable[[Any], Any], list]) -> list:
    """Results of the jobs in order, None for those that kill their process. Runs in a worker without
    threads.
    """
    function, jobs = task
    results: list = []
    while len(results) < len(jobs):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            code = 0
            try:
                with os.fdopen(writing, "wb") as out:
                    for job in jobs[len(results) :]:
                        pickle.dump(function(job), out, pickle.HIGHEST_PROTOCOL)
                        out.flush()
            except BaseException as error:  # nothing may leave the child but its exit code
                os.write(2, f"{type(error).__name__}: {error}\n".encode())
                code = 1
            os._exit(code)
        os.close(writing)
        with os.fdopen(reading, "rb") as answers:
            while len(results) < len(jobs):
                try:
                    results.append(pickle.load(answers))
                except (EOFError, pickle.UnpicklingError):
                    break
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code > 0:
            raise RuntimeError(f"a job failed: {jobs[len(results)]!r}")
        if len(results) < len(jobs):
            results.append(None)
    return results


def map_safely(function: Callable[[Any], Any], jobs: Sequence, processes: int | None = None) -> list:
    """[function(job) for job in jobs], None where the process died of a job. `function` is of a module."""
    chunks = [(function, list(jobs[i : i + _CHUNK])) for i in range(0, len(jobs), _CHUNK)]
    with synthesise.process_pool(processes) as pool:
        return [result for part in pool.map(_in_children, chunks, chunksize=1) for result in part]
