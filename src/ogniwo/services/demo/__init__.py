"""The sample cooperative and the main job."""
