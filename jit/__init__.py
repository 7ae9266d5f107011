"""The import path that element code written for other hosts of these elements uses."""
