"""Writers of files as counterparts send them: for the sample cooperative and for tests."""
