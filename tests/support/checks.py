"""What the integration tests count with: each says what it expects, and in the end how many of these held."""
import sys

_count = {True: 0, False: 0}


def expect(what, got, *wanted):
    """One of these was wanted."""
    good = got in wanted
    _count[good] += 1
    if not good:
        print(f"✗ {what}: got {str(got)[:500]}, wanted {' or '.join(map(str, wanted))[:500]}")


def finish():
    """The closing line, and the exit code that goes with it."""
    print(f"{_count[True]} passed, {_count[False]} failed")
    sys.exit(1 if _count[False] else 0)
