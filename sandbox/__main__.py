from sandbox.server import command

command(prog_name="python -m sandbox")
