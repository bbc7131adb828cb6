"""What a script says of settings that it refuses."""

import pytest


@pytest.fixture
def refusal(run_script):
    """Calls a script that must end with exit code 2 and one line on stderr; returns that line."""

    def run(script, *arguments):
        done = run_script(script, *arguments)
        lines = done.stderr.splitlines()
        assert (done.returncode, len(lines)) == (2, 1), done.stderr
        return lines[0]

    return run
