"""Charts of plotly, drawn as SVG from their data."""
