"""The record of each call, the ledger of all calls, kept replies and the audit log."""
