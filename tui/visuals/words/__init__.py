"""The panes in sentences and tables: for screen readers, the clipboard and plain terminals."""
