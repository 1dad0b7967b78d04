"""Which files of a repository may be read: ignored ones, private ones, and the list of the rest."""
