"""Doors: each turns a request into one service call and back."""
