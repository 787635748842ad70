"""How much memory variables hold, asked by `MeasureVariables`."""
