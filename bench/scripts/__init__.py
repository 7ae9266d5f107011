"""What somebody would write first: a platform's public client, SQLAlchemy, one commit a page."""
