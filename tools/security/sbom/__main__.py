"""`python -m tools.security.sbom FILE`: writes the bill of materials there."""

import sys
from pathlib import Path

from tools.security.sbom.bill import bill

if __name__ == "__main__":
    Path(sys.argv[1]).write_text(bill() + "\n")
    print(f"Written: {sys.argv[1]}")
