"""How often equal runs are called different, and how often slower ones are found out."""
