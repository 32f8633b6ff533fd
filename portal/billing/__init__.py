"""Prices, invoices, receipts and the ledger; never knows what was sold."""
