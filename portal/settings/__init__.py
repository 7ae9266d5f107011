"""How settings are read; `config.py` lists them."""
