"""What the foundation aims at and what it can expect: targets, counts, forecasts, and where its plan contradicts itself."""
