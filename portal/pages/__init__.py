"""What a browser sees: thin views, headers, cookies, and the one place where a refusal becomes a page."""
