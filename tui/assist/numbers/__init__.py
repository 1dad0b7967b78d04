"""Numbers for the person: what became of suggestions, counted on this computer and kept here."""
