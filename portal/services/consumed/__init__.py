"""What is consumed: every counted right of a customer, granted, held, used, left, and until when."""
