"""The web pages.

Views are thin, and no other module imports them; what they share is in files of its own.
"""
