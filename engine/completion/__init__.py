"""From the text around a cursor to the text that is offered there."""
