"""`python -m sandbox`: run the pretend platforms."""

from sandbox.server import command

command(prog_name="python -m sandbox")
