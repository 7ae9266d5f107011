"""The administrators' pages, each on a blueprint that `layout.make_blueprint()` makes."""
