"""What members and those who help them tell each other, and the register states that members read themselves."""
