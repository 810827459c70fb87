"""What a person gets by mail, and the page behind the link that ends it."""
