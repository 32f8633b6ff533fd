"""What a close leaves behind: snapshots in a chain, checks, reconciliation, the public half-yearly account, reports by mail."""
