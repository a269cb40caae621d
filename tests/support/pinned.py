"""Python packages for tests, pinned in tests/requirements.txt and installed once into the build folder."""
import hashlib
import os
import pathlib
import subprocess
import sys

SKIPPED = 77
REQUIREMENTS = pathlib.Path(__file__).resolve().parents[1] / "requirements.txt"


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def vectors(name):
    """A folder of test vectors; where it is not there the test is skipped."""
    folder = os.environ.get("SLUIS_VECTORS_DIR", "")
    path = pathlib.Path(folder) / name
    if not folder or not path.is_dir():
        skip("no vectors")
    return path


def enter():
    """Goes on in an environment that has the packages, at SLUIS_TEST_PYTHON; makes it where it is missing or older."""
    home = pathlib.Path(os.environ.get("SLUIS_TEST_PYTHON", REQUIREMENTS.parents[1] / "build/python"))
    python, mark = home / "bin/python", home / "made-from"
    if pathlib.Path(sys.prefix).resolve() == home.resolve():
        return
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not mark.exists() or mark.read_text() != wanted:
        for command in ([sys.executable, "-m", "venv", "--clear", home],
                        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS]):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                skip(f"the pinned Python packages cannot be installed: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
        mark.write_text(wanted)
    os.execv(python, [python, *sys.argv])
