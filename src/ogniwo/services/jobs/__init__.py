"""Long work beside the pages: asked for, run by a worker, watched, cancelled, tried again, started by a schedule."""
