"""How often steady levels are cut or condemned, and how often what is not steady is found."""
