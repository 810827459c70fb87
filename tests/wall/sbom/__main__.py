"""`python -m tests.wall.sbom FILE`: writes the bill of materials there."""

import sys
from pathlib import Path

from tests.wall.sbom.bill import bill

if __name__ == "__main__":
    Path(sys.argv[1]).write_text(bill() + "\n")
    print(f"Written: {sys.argv[1]}")
