"""Work that is shared between processes: however its caller ends, they end with it."""

import signal
import subprocess
import sys

import pytest

from tests.crawling import PROJECT

WORK = """
import signal
from crawler.work import shared
signal.signal(signal.SIGINT, signal.default_int_handler)  # who is started in the background ignores it
for _ in shared(exec, ["import time; print('begun', flush=True); time.sleep(600)"] * 6, 2):
    pass
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_whoever_is_ended_leaves_no_process(how: signal.Signals) -> None:
    """Those that were left would wait for more work for ever, and keep the output open: `crawler reparse | tee log`."""
    with subprocess.Popen(
        [sys.executable, "-c", WORK], cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as caller:
        assert caller.stdout is not None
        assert caller.stdout.readline().startswith("begun")
        caller.send_signal(how)
        try:
            caller.communicate(timeout=30)
        finally:
            caller.kill()
    assert caller.returncode == -how
