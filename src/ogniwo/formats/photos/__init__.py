"""Photos that people send, without what tells about them and their device."""
