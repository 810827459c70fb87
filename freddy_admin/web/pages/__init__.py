"""The pages of the panel, a folder each: views, forms, and a presenter."""
