"""What is measured beside ours: the floor, and what others would have taken."""
