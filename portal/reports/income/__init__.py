"""What the foundation earned and from whom: one question, figures that open their rows, pages and files of both."""
