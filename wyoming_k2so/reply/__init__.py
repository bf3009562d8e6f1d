"""One reply: text goes in, chunks of sound come out. Knows neither sockets nor models."""
