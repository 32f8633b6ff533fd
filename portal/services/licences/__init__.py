"""Tool licences by node: dated terms give the right to run, live nodes take the seats, a pure function judges."""
