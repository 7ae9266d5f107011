"""The administrators' pages: one module a page, each on a blueprint of `frame.blueprint()`."""
