"""`python -m tools.security.sbom FILE`: writes the bill of materials there."""

import sys
from pathlib import Path

from tools.security.sbom.bill_of_materials import build_bill_of_materials

if __name__ == "__main__":
    Path(sys.argv[1]).write_text(build_bill_of_materials() + "\n")
    print(f"Written: {sys.argv[1]}")
