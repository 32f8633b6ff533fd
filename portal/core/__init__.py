"""What every domain stands on: database, clock, money, states, events, audit, mail, files, web helpers."""
