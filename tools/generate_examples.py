"""Write the examples of the OpenAPI document: what a program sends to the sample cooperative, and what it is answered.

The test that compares them with the answers of today writes them here; then the document is made anew.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEST = "tests/integration/web/api/test_api_examples.py"


def main() -> int:
    """Ask for every example and write what is answered; an example that is still true stays as it is."""
    environment = {**os.environ, "OGNIWO_WRITE_EXAMPLES": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-k", "is_what or is_one", TEST]
    asked = subprocess.run(command, cwd=ROOT, env=environment, check=False)  # noqa: S603 -- our own test
    if asked.returncode:
        return asked.returncode
    return subprocess.run([sys.executable, "tools/generate_openapi.py"], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
