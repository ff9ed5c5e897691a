"""Long work that runs beside the pages, and when work begins by itself."""
