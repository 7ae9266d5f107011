"""The web pages: thin views that no other module imports, and the files they share."""
