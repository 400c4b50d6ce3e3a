"""What is asked and how an answer is graded; how each served model wants to be asked."""
