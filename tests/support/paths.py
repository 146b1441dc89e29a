"""Where in the repository the files that tests read are."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
FIXTURES: Final = ROOT / "tests" / "fixtures"
CAMPAIGN_CSV: Final = FIXTURES / "campaign" / "bank-additional.csv"
