"""Run the pretend platforms by `python -m sandbox`."""

from sandbox.server import command

command(prog_name="python -m sandbox")
