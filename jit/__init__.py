"""The import path of element code written for other hosts."""
