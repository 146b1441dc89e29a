"""Where the files that tests read are in the repository."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
FIXTURES: Final = ROOT / "tests" / "fixtures"
CAMPAIGN_CSV: Final = FIXTURES / "campaign" / "bank-additional.csv"
