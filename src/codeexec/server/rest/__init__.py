"""The HTTP interface: the FastAPI app, its table of routes, its documentation."""
