"""The pages, exports and JSON API: views, forms, presenters, access, middleware."""
