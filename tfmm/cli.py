"""What every script shares: errors as one line, exit codes."""

import sys

from tfmm import errors


def run(main):
    """Calls main() and exits: 0 done, 2 the input is wrong (one line on stderr), 130 interrupted."""
    try:
        code = main()
    except errors.TfmmError as error:
        code = _complain(error)
    except OSError as error:
        code = _complain(f"{error.filename or 'file system'}: {error.strerror or error}")
    except KeyboardInterrupt:
        code = 130
    sys.exit(code or 0)


def _complain(what):
    print(f"error: {' '.join(str(what).split())}", file=sys.stderr)
    return 2
