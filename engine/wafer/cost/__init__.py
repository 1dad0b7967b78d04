"""What work costs a core: the ledger of cycles by state, and collectives priced by hand."""
