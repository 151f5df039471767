"""See what a cell does: its data flow as a picture, and its gates and states on a text."""
