"""Documents as files of other formats: HTML, Markdown, scripts, notebooks, PDF."""
