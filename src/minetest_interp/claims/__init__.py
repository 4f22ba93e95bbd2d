"""What is measured for each claim, and the ledger that judges it."""
