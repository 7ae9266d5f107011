"""What speaks to the platforms: one class a provider on Authlib's client, HTTP only."""
