"""What the charts share: the sheet, rows and stacks of bars, colours, measured text."""
